#include "protocol/client_login.hpp"

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "protocol/md5_password.hpp"

#include "tests/unit/protocol/wire.hpp"

namespace ballast {
namespace {

using namespace wire;
using Step = ClientLogin::Step;
using BindingFlag = ScramClient::BindingFlag;

const std::string binding = "hash of our certificate";
const std::string authentication_ok = message('R', int32(0));

struct Users : SecretSource {
  std::map<std::string, UserSecret, std::less<>> secrets = {
      {"ann", {"pencil", {}, make_scram_secret("pencil", "salt of ann", 1)}},
      {"clear", {"pencil", {}, {}}},
      {"hashed", {{}, md5_secret("pencil", "hashed"), {}}},
      {"scram", {{}, {}, make_scram_secret("pencil", "salt of scram", 1)}},
  };
  const UserSecret* find(std::string_view user) override {
    const auto found = secrets.find(user);
    return found == secrets.end() ? nullptr : &found->second;
  }
};

ClientLoginPolicy policy_of(LoginMethod method) {
  ClientLoginPolicy policy;
  policy.method = method;
  policy.mock_key = "mock key";
  policy.mock_iterations = 1;
  return policy;
}
ClientLoginPolicy on_unix_socket(ClientLoginPolicy policy) {
  policy.is_unix_socket = true;
  return policy;
}
ClientLoginPolicy with_tls(ClientLoginPolicy policy) {
  policy.tls_offered = true;
  return policy;
}

// What the client sends next, having seen `answers`: all that the login wrote so far.
using Flight = std::function<std::string(const std::string& answers)>;
Flight say(std::string bytes) {
  return [bytes](const std::string&) { return bytes; };
}
Flight hello(const std::string& user) { return say(startup("user\0"s + user + "\0"s)); }
Flight password(const std::string& text) { return say(message('p', text + "\0"s)); }
Flight md5(const std::string& text, const std::string& user) {
  return [text, user](const std::string& answers) {
    const std::string salt = messages(answers).back().body.substr(4);
    return message('p', md5_response(md5_secret(text, user), salt) + "\0"s);
  };
}

std::string sasl_initial(const std::string& mechanism, const std::string& first) {
  return message('p', mechanism + "\0"s + int32(static_cast<std::int64_t>(first.size())) + first);
}
// The flights of a SCRAM client that is new in every run.
std::vector<Flight> scram(const std::string& user, const std::string& text,
                          BindingFlag flag = BindingFlag::not_supported, const std::string& data = binding) {
  const auto client = std::make_shared<std::unique_ptr<ScramClient>>();
  const std::string mechanism(flag == BindingFlag::in_use ? scram_plus_mechanism : scram_mechanism);
  const Flight first = [=](const std::string&) {
    *client = std::make_unique<ScramClient>(ScramCredentials{text, {}}, flag, data, "CLIENT", nullptr);
    return sasl_initial(mechanism, (*client)->first());
  };
  const Flight final = [=](const std::string& answers) {
    std::string proof;
    REQUIRE((*client)->receive(messages(answers).back().body.substr(4), proof) == ScramStep::go_on);
    return message('p', proof);
  };
  return {hello(user), first, final};
}
std::vector<Flight> after_ssl_request(std::vector<Flight> flights) {
  flights.insert(flights.begin(), say(ssl_request));
  return flights;
}

struct Outcome {
  Step step = Step::need_more;
  std::string out, unread, client_key, log_detail;
  PgError error;
  StartupMessage startup;
  CancelRequest cancel;
  int minor = 0;
};

Outcome run(const ClientLoginPolicy& policy, const std::vector<Flight>& flights, std::size_t offset,
            std::size_t piece, const std::string& common_name) {
  Users users;
  ClientLogin login(policy, users, fill_counting);
  Line line(login, offset, piece);
  Outcome end;
  for (const Flight& flight : flights) {
    end.step = line.send(flight(end.out), end.out);
    if (end.step == Step::start_tls) {
      CHECK(end.out.ends_with('S'));
      end.out.clear();
      login.tls_started(binding, common_name);
    } else if (end.step != Step::need_more) {
      break;
    } else if (end.out == "N") {
      end.out.clear();
    }
  }
  end.unread = line.unread();
  end.client_key = login.client_key();
  end.log_detail = login.log_detail();
  end.error = login.error();
  end.startup = login.startup();
  end.cancel = login.cancel_request();
  end.minor = login.protocol_minor();
  return end;
}

// The end of a conversation, which must be the same wherever its bytes are cut.
Outcome converse(const ClientLoginPolicy& policy, const std::vector<Flight>& flights,
                 const std::string& common_name = {}) {
  const Outcome whole = run(policy, flights, 1 << 20, 1 << 20, common_name);
  at_every_cut(120, [&](std::size_t offset, std::size_t piece) {
    const Outcome cut = run(policy, flights, offset, piece, common_name);
    REQUIRE(cut.step == whole.step);
    REQUIRE(cut.out == whole.out);
  });
  return whole;
}

// How a conversation was refused: SQLSTATE and message of what the client was told.
std::string refusal(const Outcome& end) {
  CHECK(end.step == Step::failed);
  const PgError told = last_error(end.out);
  CHECK(told.severity == Severity::fatal);
  CHECK(told.message == end.error.message);
  CHECK(end.out.find(authentication_ok) == std::string::npos);
  return told.sqlstate + " " + told.message;
}
std::string wrong_password(const std::string& user) {
  return "28P01 password authentication failed for user \"" + user + "\"";
}

}  // namespace

TEST_CASE("trust lets known users in at once") {
  const Outcome end =
      converse(policy_of(LoginMethod::trust), {say(startup("user\0ann\0application_name\0x\0"s))});
  CHECK(end.step == Step::authenticated);
  CHECK(end.out == authentication_ok);
  CHECK(end.startup.database == "ann");
  CHECK(end.minor == 0);
  CHECK(refusal(converse(policy_of(LoginMethod::trust), {hello("nobody")})) ==
        "28000 role \"nobody\" does not exist");
}

TEST_CASE("what a client sends behind its login is left for the session") {
  const std::string query = message('Q', "SELECT 1\0"s);
  const Outcome end = converse(policy_of(LoginMethod::trust), {say(startup("user\0ann\0"s) + query)});
  CHECK(end.step == Step::authenticated);
  CHECK(end.unread == query);
}

TEST_CASE("plain passwords of users with every kind of secret") {
  const ClientLoginPolicy policy = on_unix_socket(policy_of(LoginMethod::plain));
  for (const std::string user : {"ann", "clear", "hashed", "scram"}) {
    const Outcome end = converse(policy, {hello(user), password("pencil")});
    CHECK(end.step == Step::authenticated);
    CHECK(end.out == message('R', int32(3)) + authentication_ok);
    for (const std::string wrong : {"pencils", "penci", "Pencil", "md5"})
      CHECK(refusal(converse(policy, {hello(user), password(wrong)})) == wrong_password(user));
  }
}

TEST_CASE("a hash in place of a plain password does not log in") {
  const ClientLoginPolicy policy = on_unix_socket(policy_of(LoginMethod::plain));
  CHECK(refusal(converse(policy, {hello("hashed"), password(md5_secret("pencil", "hashed"))})) ==
        wrong_password("hashed"));
}

TEST_CASE("plain passwords are asked for over TLS and unix sockets alone") {
  const ClientLoginPolicy policy = with_tls(policy_of(LoginMethod::plain));
  CHECK(refusal(converse(policy, {hello("ann"), password("pencil")})) ==
        "28000 passwords in the clear are taken over TLS only");
  CHECK(converse(policy, after_ssl_request({hello("ann"), password("pencil")})).step == Step::authenticated);
}

TEST_CASE("md5 passwords of users whose secret is plain or md5") {
  for (const std::string user : {"clear", "hashed", "ann"}) {
    const Outcome end = converse(policy_of(LoginMethod::md5), {hello(user), md5("pencil", user)});
    CHECK(end.step == Step::authenticated);
    CHECK(end.out == message('R', int32(5) + "\1\2\3\4") + authentication_ok);
    CHECK(refusal(converse(policy_of(LoginMethod::md5), {hello(user), md5("pencils", user)})) ==
          wrong_password(user));
    CHECK(refusal(converse(policy_of(LoginMethod::md5), {hello(user), password("pencil")})) ==
          wrong_password(user));
  }
}

TEST_CASE("a user with a SCRAM secret does SCRAM under md5 too") {
  CHECK(converse(policy_of(LoginMethod::md5), scram("scram", "pencil")).step == Step::authenticated);
}

TEST_CASE("SCRAM of users whose secret is plain or SCRAM") {
  for (const std::string user : {"ann", "clear", "scram"}) {
    const Outcome end = converse(policy_of(LoginMethod::scram_sha_256), scram(user, "pencil"));
    CHECK(end.step == Step::authenticated);
    CHECK(types(end.out) == "RRRR");
    CHECK(messages(end.out)[0].body == int32(10) + "SCRAM-SHA-256\0\0"s);
    CHECK(end.out.ends_with(authentication_ok));
    CHECK(end.client_key.size() == scram_key_size);
    const Outcome refused = converse(policy_of(LoginMethod::scram_sha_256), scram(user, "pencils"));
    CHECK(refusal(refused) == wrong_password(user));
    CHECK(types(refused.out) == "RRE");
    CHECK(refused.client_key.empty());
  }
}

TEST_CASE("an md5 secret can't be used for SCRAM, and the client is not told why") {
  const Outcome end = converse(policy_of(LoginMethod::scram_sha_256), scram("hashed", "pencil"));
  CHECK(refusal(end) == wrong_password("hashed"));
  CHECK(end.log_detail == "user \"hashed\" has no secret that SCRAM could use");
}

TEST_CASE("over TLS SCRAM-SHA-256-PLUS is offered first, and both work") {
  const ClientLoginPolicy policy = with_tls(policy_of(LoginMethod::scram_sha_256));
  for (const BindingFlag flag : {BindingFlag::in_use, BindingFlag::not_supported}) {
    const Outcome end = converse(policy, after_ssl_request(scram("ann", "pencil", flag)));
    CHECK(end.step == Step::authenticated);
    CHECK(messages(end.out)[0].body == int32(10) + "SCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0\0"s);
  }
}

TEST_CASE("the list of mechanisms was tampered with: y over TLS is refused") {
  const ClientLoginPolicy policy = with_tls(policy_of(LoginMethod::scram_sha_256));
  const Outcome end = converse(policy, after_ssl_request(scram("ann", "pencil", BindingFlag::not_offered)));
  CHECK(refusal(end) == "28000 SCRAM channel binding negotiation error");
}

TEST_CASE("TLS ends at somebody else: a binding to another certificate is refused") {
  const ClientLoginPolicy policy = with_tls(policy_of(LoginMethod::scram_sha_256));
  const Outcome end =
      converse(policy, after_ssl_request(scram("ann", "pencil", BindingFlag::in_use, "other")));
  CHECK(refusal(end) == "28000 SCRAM channel binding check failed");
}

TEST_CASE("unknown users take the steps of known ones with a wrong password (CVE-2015-6817)") {
  const auto shape = [](const Outcome& end) {
    std::string all;
    for (const Message& one : messages(end.out)) all += one.type + std::to_string(one.body.size()) + " ";
    return all;
  };
  for (const LoginMethod method : {LoginMethod::plain, LoginMethod::md5, LoginMethod::scram_sha_256}) {
    const ClientLoginPolicy policy = on_unix_socket(policy_of(method));
    const auto flights = [method](const std::string& user) {
      if (method == LoginMethod::plain) return std::vector<Flight>{hello(user), password("x")};
      if (method == LoginMethod::md5) return std::vector<Flight>{hello(user), md5("x", user)};
      return scram(user, "x");
    };
    // Names of one length, as they are part of the error.
    const Outcome known = converse(policy, flights("clear"));
    const Outcome unknown = converse(policy, flights("wrong"));
    CHECK(refusal(known) == wrong_password("clear"));
    CHECK(refusal(unknown) == wrong_password("wrong"));
    CHECK(shape(known) == shape(unknown));
    CHECK(known.log_detail == "wrong password");
    CHECK(unknown.log_detail == "no such user: \"wrong\"");
    // The same challenge whenever one asks, as a stored secret would give.
    CHECK(unknown.out == converse(policy, flights("wrong")).out);
  }
}

TEST_CASE("whoever knows the mock key can't log in with it either") {
  CHECK(refusal(converse(policy_of(LoginMethod::md5), {hello("nobody"), md5("mock key", "nobody")})) ==
        wrong_password("nobody"));
}

TEST_CASE("a certificate logs in the user that it names") {
  const ClientLoginPolicy policy = with_tls(policy_of(LoginMethod::cert));
  CHECK(converse(policy, after_ssl_request({hello("ann")}), "ann").step == Step::authenticated);
  CHECK(refusal(converse(policy, after_ssl_request({hello("ann")}), "bob")) ==
        "28000 certificate authentication failed for user \"ann\"");
  CHECK(refusal(converse(policy, after_ssl_request({hello("nobody")}), "nobody")) ==
        "28000 certificate authentication failed for user \"nobody\"");
  CHECK(refusal(converse(policy, after_ssl_request({hello("ann")}))) ==
        "28000 connection requires a valid client certificate");
  CHECK(refusal(converse(policy, {hello("ann")}, "ann")) ==
        "28000 connection requires a valid client certificate");
}

TEST_CASE("an SSLRequest is answered N where TLS is not offered, or makes no sense") {
  const Outcome end = converse(policy_of(LoginMethod::trust), {say(ssl_request), hello("ann")});
  CHECK(end.step == Step::authenticated);
  CHECK(end.out == authentication_ok);
  const ClientLoginPolicy on_unix = on_unix_socket(with_tls(policy_of(LoginMethod::trust)));
  CHECK(converse(on_unix, {say(ssl_request), hello("ann")}).step == Step::authenticated);
}

TEST_CASE("a GSSENCRequest is declined, and an SSLRequest may follow, or come before") {
  const ClientLoginPolicy policy = with_tls(policy_of(LoginMethod::trust));
  CHECK(converse(policy, {say(gssenc_request), say(ssl_request), hello("ann")}).step == Step::authenticated);
  CHECK(converse(policy, {say(gssenc_request), hello("ann")}).step == Step::authenticated);
  CHECK(converse(policy_of(LoginMethod::trust), {say(ssl_request), say(gssenc_request), hello("ann")}).step ==
        Step::authenticated);
}

TEST_CASE("a second request for encryption of one kind is refused") {
  const ClientLoginPolicy policy = policy_of(LoginMethod::trust);
  CHECK(refusal(converse(policy, {say(ssl_request), say(ssl_request)})) ==
        "0A000 unsupported frontend protocol 1234.5679: server supports 3.0 to 3.2");
  CHECK(refusal(converse(policy, {say(gssenc_request), say(gssenc_request)})) ==
        "0A000 unsupported frontend protocol 1234.5680: server supports 3.0 to 3.2");
}

TEST_CASE("requests for encryption inside TLS are refused") {
  const ClientLoginPolicy policy = with_tls(policy_of(LoginMethod::trust));
  CHECK(refusal(converse(policy, after_ssl_request({say(ssl_request)}))).starts_with("0A000 "));
  CHECK(refusal(converse(policy, after_ssl_request({say(gssenc_request)}))).starts_with("0A000 "));

  Users users;  // TLS from the first byte
  ClientLogin direct(policy, users, fill_counting);
  direct.tls_started(binding, {});
  std::size_t consumed = 0;
  std::string out;
  CHECK(direct.receive(ssl_request, consumed, out) == Step::failed);
}

TEST_CASE("bytes stuffed behind a request for encryption are refused (CVE-2021-3935)") {
  const std::string stuffing = startup("user\0ann\0"s);
  for (const bool tls_offered : {true, false}) {
    for (const std::string& request : {ssl_request, gssenc_request}) {
      for (std::size_t size = 1; size <= stuffing.size(); ++size) {
        ClientLoginPolicy policy = policy_of(LoginMethod::trust);
        policy.tls_offered = tls_offered;
        Users users;
        ClientLogin login(policy, users, fill_counting);
        std::size_t consumed = 0;
        std::string out;
        CHECK(login.receive(request + stuffing.substr(0, size), consumed, out) == Step::failed);
        CHECK(types(out) == "E");
        CHECK(last_error(out).sqlstate == "08P01");
        CHECK(last_error(out).message.starts_with("received unencrypted data after "));
      }
    }
  }
}

TEST_CASE("where TLS is required, a login without it is refused, except on a unix socket") {
  ClientLoginPolicy policy = with_tls(policy_of(LoginMethod::trust));
  policy.tls_required = true;
  CHECK(refusal(converse(policy, {hello("ann")})) == "28000 this server requires TLS");
  CHECK(converse(policy, after_ssl_request({hello("ann")})).step == Step::authenticated);
  CHECK(converse(on_unix_socket(policy), {hello("ann")}).step == Step::authenticated);
}

TEST_CASE("protocol 3.2 is spoken, and with it goes a long cancel key") {
  const Outcome end = converse(policy_of(LoginMethod::trust), {say(startup("user\0ann\0"s, protocol_3_2))});
  CHECK(end.out == authentication_ok);
  CHECK(end.minor == 2);
}

TEST_CASE("protocol 3.1 is taken as it is, as PostgreSQL does") {
  const Outcome end = converse(policy_of(LoginMethod::trust), {say(startup("user\0ann\0"s, 3 << 16 | 1))});
  CHECK(end.out == authentication_ok);
  CHECK(end.minor == 0);
}

TEST_CASE("newer minors and unknown options are negotiated down") {
  const std::string options = "_pq_.a\0\x31\0user\0ann\0_pq_.b\0\0"s;
  const Outcome newer =
      converse(policy_of(LoginMethod::trust), {say(startup("user\0ann\0"s, 3 << 16 | 9999))});
  CHECK(newer.out == message('v', int32(protocol_3_2) + int32(0)) + authentication_ok);
  CHECK(newer.minor == 2);
  const Outcome both = converse(policy_of(LoginMethod::trust), {say(startup(options, 3 << 16 | 3))});
  CHECK(both.out == message('v', int32(protocol_3_2) + int32(2) + "_pq_.a\0_pq_.b\0"s) + authentication_ok);
  const Outcome old = converse(policy_of(LoginMethod::trust), {say(startup(options))});
  CHECK(old.out == message('v', int32(protocol_3_0) + int32(2) + "_pq_.a\0_pq_.b\0"s) + authentication_ok);
  CHECK(old.minor == 0);
}

TEST_CASE("errors of the startup packet are told, and end the login") {
  CHECK(refusal(converse(policy_of(LoginMethod::trust), {say(startup("database\0x\0"s))})) ==
        "28000 no PostgreSQL user name specified in startup packet");
  CHECK(refusal(converse(policy_of(LoginMethod::trust), {say(startup("user\0ann\0"s, 2 << 16))})) ==
        "0A000 unsupported frontend protocol 2.0: server supports 3.0 to 3.2");
}

TEST_CASE("who does not speak PostgreSQL's protocol gets no word") {
  for (const std::string& bytes :
       {"GET / HTTP/1.1\r\n"s, "\x16\x03\x01\x02\x00"s, int32(0), int32(10005), int32(-1)}) {
    const Outcome end = converse(policy_of(LoginMethod::trust), {say(bytes)});
    CHECK(end.step == Step::closed);
    CHECK(end.out.empty());
  }
}

TEST_CASE("a client that says nothing is waited for") {
  const Outcome end = converse(policy_of(LoginMethod::trust), {});
  CHECK(end.step == Step::need_more);
  CHECK(end.out.empty());
}

TEST_CASE("a cancel request is handed over, in the clear and over TLS, whatever the policy") {
  ClientLoginPolicy policy = with_tls(policy_of(LoginMethod::scram_sha_256));
  policy.tls_required = true;
  std::string request;
  write_cancel_request(request, 7, std::string(32, 'k'));
  for (const auto& flights : {std::vector{say(request)}, after_ssl_request({say(request)})}) {
    const Outcome end = converse(policy, flights);
    CHECK(end.step == Step::cancel);
    CHECK(end.cancel.process_id == 7);
    CHECK(end.cancel.secret == std::string(32, 'k'));
    CHECK(end.out.empty());
  }
}

TEST_CASE("long passwords are read up to PostgreSQL's limit") {
  const ClientLoginPolicy policy = on_unix_socket(policy_of(LoginMethod::plain));
  for (const std::size_t size : {1023U, 1024U, 65530U}) {
    const std::vector<Flight> flights = {hello("clear"), password(std::string(size, 'x'))};
    CHECK(refusal(run(policy, flights, 1 << 20, 1 << 20, {})) == wrong_password("clear"));
    CHECK(refusal(run(policy, flights, 1000, 1000, {})) == wrong_password("clear"));
  }
  CHECK(refusal(run(policy, {hello("clear"), password(std::string(65531, 'x'))}, 100, 1 << 20, {})) ==
        "08P01 invalid message length");
}

TEST_CASE("messages that are no answer to what was asked are refused") {
  const ClientLoginPolicy plain = on_unix_socket(policy_of(LoginMethod::plain));
  const ClientLoginPolicy scram_policy = policy_of(LoginMethod::scram_sha_256);
  CHECK(refusal(converse(plain, {hello("ann"), say(message('X', ""))})) ==
        "08P01 expected password response, got message type 88");
  CHECK(refusal(converse(scram_policy, {hello("ann"), say(message('Q', "SELECT 1\0"s))})) ==
        "08P01 expected SASL response, got message type 81");
  CHECK(refusal(converse(plain, {hello("ann"), password("")})) == "28P01 empty password returned by client");
  for (const std::string& body : {"pencil"s, ""s, "pencil\0x"s, "pencil\0\0"s})
    CHECK(refusal(converse(plain, {hello("ann"), say(message('p', body))})) ==
          "08P01 invalid password packet size");
  for (const std::int64_t length : {0LL, 3LL, 65536LL, 0x7fffffffLL, 0xffffffffLL})
    CHECK(refusal(converse(plain, {hello("ann"), say("p" + int32(length))})) ==
          "08P01 invalid message length");
  CHECK(refusal(converse(scram_policy, {hello("ann"), say("p" + int32(1025))})) ==
        "08P01 invalid message length");
}

TEST_CASE("SASLInitialResponses that are broken are refused") {
  const ClientLoginPolicy policy = policy_of(LoginMethod::scram_sha_256);
  const auto complaint = [&policy](const std::string& bytes) {
    return refusal(converse(policy, {hello("ann"), say(bytes)}));
  };
  for (const std::string mechanism : {"", "SCRAM-SHA-1", "SCRAM-SHA-256-PLUS", "scram-sha-256"})
    CHECK(complaint(sasl_initial(mechanism, "n,,n=,r=C")) ==
          "08P01 client selected an invalid SASL authentication mechanism");
  const std::string mechanism = "SCRAM-SHA-256\0"s;
  for (const std::string& body :
       {""s, mechanism, mechanism + "\0\0"s, mechanism + int32(5) + "n,,", mechanism + int32(1) + "n,,",
        mechanism + int32(-2), mechanism + int32(-1) + "x", mechanism + int32(0x7fffffff)})
    CHECK(complaint(message('p', body)) == "08P01 invalid message format");
  CHECK(complaint(sasl_initial("SCRAM-SHA-256", "")) == "08P01 malformed SCRAM message");
}

TEST_CASE("a client may keep its first SCRAM message back until it is asked") {
  std::vector<Flight> flights = scram("ann", "pencil");
  const Flight first = flights[1];
  flights[1] = say(message('p', "SCRAM-SHA-256\0"s + int32(-1)));
  flights.insert(flights.begin() + 2, [first](const std::string& answers) {
    const std::string initial = first(answers);
    return message('p', initial.substr(header_size + 14 + 4));
  });
  const Outcome end = converse(policy_of(LoginMethod::scram_sha_256), flights);
  CHECK(end.step == Step::authenticated);
  CHECK(messages(end.out)[1].body == int32(11));
}

TEST_CASE("a proof without its first message, and anything behind a refusal, leads nowhere") {
  const ClientLoginPolicy policy = policy_of(LoginMethod::scram_sha_256);
  CHECK(refusal(converse(policy, {hello("ann"), say(message('p', "SCRAM-SHA-256\0"s + int32(-1))),
                                  say(message('p', "c=biws,r=CLIENT,p=AAAA"))})) ==
        "08P01 malformed SCRAM message");
}

TEST_CASE("a name that is longer than any, or holds quotes, is answered as it is (CVE-2012-4575)") {
  const std::string user = std::string(5000, 'u') + "\"\n";
  CHECK(refusal(run(on_unix_socket(policy_of(LoginMethod::plain)), {hello(user), password("x")}, 1, 64,
                    {})) == wrong_password(user));
}

}  // namespace ballast
