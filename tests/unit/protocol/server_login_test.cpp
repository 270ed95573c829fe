#include "protocol/server_login.hpp"

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "protocol/base64.hpp"
#include "protocol/md5_password.hpp"

#include "tests/unit/protocol/wire.hpp"

namespace ballast {
namespace {

using namespace wire;
using Step = ServerLogin::Step;
using Mechanism = ScramServer::Mechanism;

const std::string binding = "hash of the server's certificate";

std::string authentication(std::int32_t code, const std::string& data = {}) {
  return message('R', int32(code) + data);
}
std::string parameter(const std::string& name, const std::string& value) {
  return message('S', name + "\0"s + value + "\0"s);
}
const std::string ok = authentication(0);
const std::string key = message('K', int32(42) + "key!");
const std::string ready = message('Z', "I");
const std::string plain_list = authentication(10, "SCRAM-SHA-256\0\0"s);
const std::string both_list = authentication(10, "SCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0\0"s);
const std::string plus_list = authentication(10, "SCRAM-SHA-256-PLUS\0\0"s);

ServerLoginRequest request() {
  ServerLoginRequest request;
  request.password = "pencil";
  request.parameters = {{"user", "ann"}, {"database", "shop"}};
  request.user = "ann";
  return request;
}
ServerLoginRequest over_tls(ServerLoginRequest request = ballast::request()) {
  request.is_tls = true;
  request.tls_verified = true;
  request.channel_binding = binding;
  return request;
}
ServerLoginRequest with(ChannelBindingPolicy policy, ServerLoginRequest request) {
  request.channel_binding_policy = policy;
  return request;
}

// What the server sends next, having seen the client's last flight.
using Flight = std::function<std::string(const std::string& last)>;
Flight say(std::string bytes) {
  return [bytes](const std::string&) { return bytes; };
}

// A server that does SCRAM: it offers `list`, and says `last` behind its final message.
std::vector<Flight> scram(const std::string& list, Mechanism mechanism, const std::string& last) {
  const auto server = std::make_shared<std::unique_ptr<ScramServer>>();
  const std::string channel_binding = mechanism == Mechanism::with_binding ? binding : ""s;
  const Flight challenge = [=](const std::string& initial) {
    *server = std::make_unique<ScramServer>(make_scram_secret("pencil", "salt", 1), mechanism,
                                            channel_binding, "SERVER");
    const std::string body = messages(initial)[0].body;
    std::string answer;
    REQUIRE((*server)->receive(body.substr(body.find('\0') + 5), answer) == ScramStep::go_on);
    return authentication(11, answer);
  };
  const Flight final = [=](const std::string& response) {
    std::string answer;
    REQUIRE((*server)->receive(messages(response)[0].body, answer) == ScramStep::done);
    return authentication(12, answer) + last;
  };
  return {say(list), challenge, final};
}
const std::string welcome = ok + parameter("server_version", "15.4") + key + ready;

struct Outcome {
  Step step = Step::need_more;
  std::string out, unread, cancel_secret;
  StartupParameters parameters;
  std::int32_t process_id = 0;
  PgError error;
  bool from_server = false;
  bool has_guessed_wrong = false;
  std::string known;  // the server's mechanism, for the next login
};

const std::string first_words = startup("user\0ann\0database\0shop\0"s);

Outcome run(ServerLogin& login, const std::vector<Flight>& flights, std::size_t offset, std::size_t piece) {
  Line line(login, offset, piece);
  Outcome end;
  std::string last;
  login.start(last);
  CHECK(last.starts_with(first_words));
  last.erase(0, first_words.size());
  end.out = last;
  for (const Flight& flight : flights) {
    const std::string bytes = flight(last);
    last.clear();
    end.step = line.send(bytes, last);
    end.out += last;
    if (end.step != Step::need_more) break;
  }
  end.unread = line.unread();
  end.cancel_secret = login.cancel_secret();
  end.parameters = login.parameters();
  end.process_id = login.process_id();
  end.error = login.error();
  end.from_server = login.from_server();
  end.has_guessed_wrong = login.has_guessed_wrong();
  return end;
}

// `known`: the server's mechanism, from a login before.
Outcome run(const ServerLoginRequest& asked, const std::vector<Flight>& flights, std::size_t offset,
            std::size_t piece, std::string_view known = {}) {
  ScramKeyCache cache;
  cache.mechanism = known;
  Outcome end = [&] {
    ServerLogin login(asked, &cache, fill_counting);
    return run(login, flights, offset, piece);
  }();
  end.known = cache.mechanism;
  return end;
}

// The end of a login, which must be the same wherever the server's bytes are cut.
Outcome converse(const ServerLoginRequest& asked, const std::vector<Flight>& flights,
                 std::string_view known = {}) {
  const Outcome whole = run(asked, flights, 1 << 20, 1 << 20, known);
  at_every_cut(150, [&](std::size_t offset, std::size_t piece) {
    const Outcome cut = run(asked, flights, offset, piece, known);
    REQUIRE(cut.known == whole.known);
    REQUIRE(cut.step == whole.step);
    REQUIRE(cut.out == whole.out);
    REQUIRE(cut.error.message == whole.error.message);
    REQUIRE(cut.parameters == whole.parameters);
  });
  return whole;
}
Outcome converse(const ServerLoginRequest& asked, const std::string& bytes) {
  return converse(asked, {say(bytes)});
}

// Our own complaint about what the server did; nothing of it was answered.
std::string complaint(const ServerLoginRequest& asked, const std::string& bytes) {
  const Outcome end = converse(asked, bytes);
  CHECK(end.step == Step::failed);
  CHECK_FALSE(end.from_server);
  CHECK(end.out.empty());
  return end.error.sqlstate + " " + end.error.message;
}
const std::string broke = "08P01 the server broke the protocol: ";

}  // namespace

TEST_CASE("a server that asks for nothing is ready with its parameters and its key") {
  const Outcome end = converse(request(), ok + parameter("TimeZone", "UTC") + parameter("a", "") + key +
                                              parameter("TimeZone", "Asia/Tokyo") + ready);
  CHECK(end.step == Step::ready);
  CHECK(end.parameters == StartupParameters{{"TimeZone", "Asia/Tokyo"}, {"a", ""}});
  CHECK(end.process_id == 42);
  CHECK(end.cancel_secret == "key!");
  CHECK(end.out.empty());
}

TEST_CASE("what comes behind ReadyForQuery is left for others") {
  const std::string later = parameter("in_hot_standby", "on");
  const Outcome end = run(request(), {say(welcome + later)}, 1 << 20, 1 << 20);
  CHECK(end.step == Step::ready);
  CHECK(end.unread == later);
}

TEST_CASE("a server without cancel keys is a server all the same") {
  const Outcome end = converse(request(), ok + ready);
  CHECK(end.step == Step::ready);
  CHECK(end.cancel_secret.empty());
}

TEST_CASE("cancel keys have 4 to 256 bytes") {
  for (const std::size_t size : {4U, 32U, 256U}) {
    const Outcome end = converse(request(), ok + message('K', int32(-1) + std::string(size, 'k')) + ready);
    CHECK(end.step == Step::ready);
    CHECK(end.process_id == -1);
    CHECK(end.cancel_secret == std::string(size, 'k'));
  }
  for (const std::size_t size : {0U, 3U, 257U})
    CHECK(complaint(request(), ok + message('K', int32(1) + std::string(size, 'k'))) ==
          broke + "malformed BackendKeyData");
  CHECK(complaint(request(), ok + message('K', "ab")) == broke + "malformed BackendKeyData");
  CHECK(complaint(request(), key) == broke + "malformed BackendKeyData");
}

TEST_CASE("notices and parameters may come at any time") {
  const std::string notice = message('N', "SNOTICE\0Mhello\0\0"s);
  const std::string chatter = notice + parameter("a", "1");
  std::vector<Flight> flights = scram(plain_list, Mechanism::without_binding, welcome);
  for (Flight& flight : flights) {
    const Flight inner = flight;
    flight = [inner, chatter](const std::string& last) { return chatter + inner(last); };
  }
  const Outcome end = converse(request(), flights);
  CHECK(end.step == Step::ready);
  CHECK(end.parameters.size() == 2);
}

TEST_CASE("a server's error is passed on as it is, SQLSTATE or not (CVE-2026-6666)") {
  const Outcome whole = converse(request(), message('E', "SFATAL\0VFATAL\0C53300\0Msorry\0\0"s));
  CHECK(whole.step == Step::failed);
  CHECK(whole.from_server);
  CHECK(whole.error.sqlstate == "53300");
  CHECK(whole.error.severity == Severity::fatal);
  const Outcome bare = converse(request(), ok + message('E', "SERROR\0MControl plane request failed\0\0"s));
  CHECK(bare.from_server);
  CHECK(bare.error.sqlstate.empty());
  CHECK(bare.error.message == "Control plane request failed");
  const Outcome empty = converse(request(), message('E', ""));
  CHECK(empty.from_server);
  CHECK(empty.error.message.empty());
}

TEST_CASE("passwords in the clear go over verified TLS alone") {
  const std::string asks = authentication(3);
  const Outcome end = converse(over_tls(), {say(asks), say(welcome)});
  CHECK(end.step == Step::ready);
  CHECK(end.out == message('p', "pencil\0"s));
  ServerLoginRequest unverified = over_tls();
  unverified.tls_verified = false;
  const std::string refused =
      "28000 the server asks for the password in the clear, which is sent over verified TLS only";
  CHECK(complaint(unverified, asks) == refused);
  CHECK(complaint(request(), asks) == refused);
}

TEST_CASE("md5 is answered with the salt of the server") {
  const Outcome end = converse(request(), {say(authentication(5, "salt")), say(welcome)});
  CHECK(end.step == Step::ready);
  CHECK(end.out == message('p', md5_response(md5_secret("pencil", "ann"), "salt") + "\0"s));
  for (const std::string salt : {"", "sal", "salts"})
    CHECK(complaint(request(), authentication(5, salt)) == broke + "md5 salt of the wrong length");
}

TEST_CASE("where only keys are known, a password can't be given") {
  ServerLoginRequest keys = over_tls();
  keys.password.clear();
  keys.keys = derive_scram_keys("pencil", "salt", 1);
  const std::string refused = "28P01 the server asks for the password itself, which is not known";
  CHECK(complaint(keys, authentication(3)) == refused);
  CHECK(complaint(keys, authentication(5, "salt")) == refused);
  CHECK(converse(keys, scram(both_list, Mechanism::with_binding, welcome)).step == Step::ready);
}

TEST_CASE("SCRAM with what both sides can: mechanism and gs2 flag") {
  struct Case {
    ServerLoginRequest request;
    std::string list;
    Mechanism mechanism;
    std::string initial;
  };
  const ServerLoginRequest prefer = over_tls();
  const ServerLoginRequest disable = with(ChannelBindingPolicy::disable, over_tls());
  ServerLoginRequest no_data = over_tls();  // a certificate whose hash is not defined, as Ed25519
  no_data.channel_binding.clear();
  const Case cases[] = {
      {request(), plain_list, Mechanism::without_binding, "SCRAM-SHA-256\0"s + int32(32) + "n,,"},
      {prefer, plain_list, Mechanism::without_binding, "SCRAM-SHA-256\0"s + int32(32) + "y,,"},
      {prefer, both_list, Mechanism::with_binding,
       "SCRAM-SHA-256-PLUS\0"s + int32(53) + "p=tls-server-end-point,,"},
      {prefer, plus_list, Mechanism::with_binding,
       "SCRAM-SHA-256-PLUS\0"s + int32(53) + "p=tls-server-end-point,,"},
      {disable, both_list, Mechanism::without_binding, "SCRAM-SHA-256\0"s + int32(32) + "n,,"},
      {no_data, both_list, Mechanism::without_binding, "SCRAM-SHA-256\0"s + int32(32) + "n,,"},
      {with(ChannelBindingPolicy::require, over_tls()), both_list, Mechanism::with_binding,
       "SCRAM-SHA-256-PLUS\0"s + int32(53) + "p=tls-server-end-point,,"},
  };
  for (const Case& one : cases) {
    const Outcome end = converse(one.request, scram(one.list, one.mechanism, welcome));
    CHECK(end.step == Step::ready);
    CHECK(types(end.out) == "pp");
    CHECK(messages(end.out)[0].body.starts_with(one.initial));
  }
}

TEST_CASE("channel_binding=require refuses every login without it") {
  const ServerLoginRequest require = with(ChannelBindingPolicy::require, over_tls());
  CHECK(complaint(require, plain_list) == "28000 channel_binding=require, but the server does not offer it");
  CHECK(complaint(require, ok) == "28000 channel_binding=require, but the server let us in without it");
  for (const std::string& asks : {authentication(3), authentication(5, "salt"), authentication(7)})
    CHECK(complaint(require, asks) ==
          "28000 channel_binding=require, but the server asks for authentication without it");
  CHECK(complaint(with(ChannelBindingPolicy::require, request()), plain_list) ==
        "28000 channel_binding=require, but this connection has nothing to bind to");
}

TEST_CASE("-PLUS without TLS, and lists without a mechanism of ours, are refused") {
  CHECK(complaint(request(), both_list) == broke + "SCRAM-SHA-256-PLUS offered without TLS");
  const std::string none = "0A000 none of the server's SASL mechanisms is supported";
  CHECK(complaint(request(), authentication(10, "OAUTHBEARER\0\0"s)) == none);
  CHECK(complaint(request(), authentication(10, "\0"s)) == none);
  CHECK(complaint(with(ChannelBindingPolicy::disable, over_tls()), plus_list) == none);
  for (const std::string& list : {""s, "SCRAM-SHA-256"s, "SCRAM-SHA-256\0"s, "SCRAM-SHA-256\0\0x"s})
    CHECK(complaint(request(), authentication(10, list)) ==
          broke + "list of SASL mechanisms without its end");
}

TEST_CASE("a server may not leave SCRAM before it has proved itself") {
  std::vector<Flight> flights = scram(plain_list, Mechanism::without_binding, welcome);
  const auto broken_at = [&flights](std::size_t step, const std::string& bytes) {
    std::vector<Flight> broken(flights.begin(), flights.begin() + static_cast<std::ptrdiff_t>(step));
    broken.push_back(say(bytes));
    const Outcome end = converse(request(), broken);
    CHECK(end.step == Step::failed);
    CHECK_FALSE(end.from_server);
    return end.error.message;
  };
  const std::string unproved =
      "the server broke the protocol: AuthenticationOk from a server that has not proved that it knows the "
      "password";
  CHECK(broken_at(1, welcome) == unproved);
  CHECK(broken_at(2, welcome) == unproved);
  CHECK(broken_at(2, ready) == "the server broke the protocol: ReadyForQuery before AuthenticationOk");
  CHECK(broken_at(1, authentication(3)) ==
        "the server broke the protocol: authentication request out of turn");
  CHECK(broken_at(2, authentication(5, "salt")) ==
        "the server broke the protocol: authentication request out of turn");
  CHECK(broken_at(1, authentication(12, "v=AAAA")).starts_with("malformed SCRAM message"));
  CHECK(broken_at(2, authentication(12, "v=" + encode_base64(std::string(32, '\0'))) + welcome)
            .starts_with("wrong SCRAM server signature"));
  CHECK(broken_at(2, authentication(12, "e=other-error")) ==
        "server refused the SCRAM exchange: other-error");
}

TEST_CASE("a server proves itself in its final message, not in another") {
  std::vector<Flight> flights = scram(plain_list, Mechanism::without_binding, welcome);
  const Flight final = flights[2];
  flights[2] = [final](const std::string& last) {
    std::string bytes = final(last);
    bytes[8] = 11;  // AuthenticationSASLContinue
    return bytes;
  };
  CHECK(converse(request(), flights).error.message ==
        "the server broke the protocol: SCRAM message out of turn");
}

TEST_CASE("a wrong password is the server's to say") {
  std::vector<Flight> flights = scram(plain_list, Mechanism::without_binding, welcome);
  flights[2] =
      say(message('E', "SFATAL\0VFATAL\0C28P01\0Mpassword authentication failed for user \"ann\"\0\0"s));
  const Outcome end = converse(request(), flights);
  CHECK(end.from_server);
  CHECK(end.error.sqlstate == "28P01");
}

TEST_CASE("a server asks once") {
  const std::string turn = broke.substr(6) + "authentication request out of turn";
  CHECK(converse(over_tls(), {say(authentication(3)), say(authentication(3))}).error.message == turn);
  CHECK(converse(request(), {say(authentication(5, "salt")), say(authentication(5, "tlas"))}).error.message ==
        turn);
  CHECK(converse(request(), scram(plain_list, Mechanism::without_binding, plain_list)).error.message == turn);
  CHECK(complaint(request(), ok + authentication(5, "salt")) == broke + "authentication request out of turn");
  CHECK(complaint(request(), ok + ok) == broke + "AuthenticationOk for the second time");
}

TEST_CASE("methods that we do not speak are named by their number") {
  for (const std::int32_t code : {2, 6, 7, 9, 99, -1})
    CHECK(complaint(request(), authentication(code)) == "0A000 the server asks for authentication method " +
                                                            std::to_string(code) +
                                                            ", which is not supported");
  for (const std::int32_t code : {8, 11, 12})
    CHECK(complaint(request(), authentication(code)).starts_with("0A000 "));
  CHECK(complaint(request(), message('R', "abc")) == broke + "authentication request without a code");
}

TEST_CASE("a server that negotiates the protocol, though we ask for the oldest, is let be") {
  for (const std::int64_t version : {0LL, 3LL << 16, 3LL << 16 | 2})
    CHECK(converse(request(), message('v', int32(version) + int32(0)) + welcome).step == Step::ready);
  CHECK(converse(request(), message('v', int32(3 << 16) + int32(1) + "_pq_.x\0"s) + welcome).step ==
        Step::ready);
  for (const std::string& body : {int32(2 << 16) + int32(0), int32(-1) + int32(0), "abc"s})
    CHECK(complaint(request(), message('v', body)) ==
          broke + "NegotiateProtocolVersion for another protocol");
}

TEST_CASE("a server that is not idle, or not ready, is not taken") {
  for (const std::string& body : {"T"s, "E"s, ""s, "II"s})
    CHECK(complaint(request(), ok + message('Z', body)) ==
          broke + "first ReadyForQuery of a server that is not idle");
  CHECK(complaint(request(), ready) == broke + "ReadyForQuery before AuthenticationOk");
}

TEST_CASE("messages that are no part of a login are refused") {
  for (const char type : {'T', 'D', 'C', 'G', 'A', 'H', '\0', '\xff'})
    CHECK(complaint(request(), message(type, "x")) ==
          broke + "message of type " + std::to_string(static_cast<unsigned char>(type)));
  for (const std::string& body : {""s, "name"s, "name\0value"s, "name\0value\0x"s})
    CHECK(complaint(request(), message('S', body)) == broke + "malformed ParameterStatus");
}

TEST_CASE("lengths that can't be true are refused before the bytes come") {
  for (const std::int64_t length :
       {0LL, 3LL, 262144LL, 0x3fffffffLL, 0x7fffffffLL, 0x80000000LL, 0xffffffffLL})
    CHECK(complaint(request(), "N" + int32(length)) == broke + "message of an impossible length");
  CHECK(complaint(request(), "R" + int32(2001)) == broke + "message of an impossible length");
  CHECK(complaint(request(), "HTTP/1.1 400 Bad Request\r\n\r\n") ==
        broke + "message of an impossible length");
}

TEST_CASE("a server that never ends its login does not fill our memory") {
  const std::string notice = message('N', std::string(1000, 'x'));
  std::string endless;
  while (endless.size() < 300 * 1024) endless += notice;
  CHECK(run(request(), {say(ok + endless)}, 1 << 20, 1 << 20).error.message ==
        "the server broke the protocol: message of an impossible length");
  std::string parameters;
  for (int i = 0; i <= 1000; ++i) parameters += parameter(std::to_string(i), "");
  CHECK(run(request(), {say(ok + parameters)}, 1 << 20, 1 << 20).error.message ==
        "the server broke the protocol: more parameters than can be true");
}

TEST_CASE("PBKDF2 runs once for many logins") {
  ScramKeyCache cache;
  for (int i = 0; i < 2; ++i) {
    cache.mechanism.clear();
    ServerLogin login(request(), &cache, fill_counting);
    Line line(login, 1 << 20, 1 << 20);
    std::string last;
    login.start(last);
    Step step = Step::need_more;
    for (const Flight& flight : scram(plain_list, Mechanism::without_binding, welcome)) {
      const std::string bytes = flight(last);
      last.clear();
      step = line.send(bytes, last);
    }
    CHECK(step == Step::ready);
    CHECK(cache.salt == "salt");
    CHECK(cache.keys.client_key == derive_scram_keys("pencil", "salt", 1).client_key);
  }
}

// A mechanism that is known from a login before
// --------------------------------------------------------------

// Both flights of a server that is asked before it has asked: the list and the challenge go out in one.
std::vector<Flight> prompted(const std::string& list, Mechanism mechanism, const std::string& last) {
  const std::vector<Flight> asked = scram(list, mechanism, last);
  return {[=](const std::string& initial) { return asked[0]({}) + asked[1](initial); }, asked[2]};
}

TEST_CASE("a login tells the next one by which mechanism the server has let it in") {
  CHECK(converse(over_tls(), scram(both_list, Mechanism::with_binding, welcome)).known ==
        "SCRAM-SHA-256-PLUS");
  CHECK(converse(request(), scram(plain_list, Mechanism::without_binding, welcome)).known == "SCRAM-SHA-256");
  CHECK(converse(request(), ok + key + ready).known.empty());
}

TEST_CASE("a known mechanism begins with the startup message: two flights are left of three") {
  for (const bool is_tls : {false, true}) {
    const Outcome asked = is_tls
                              ? converse(over_tls(), scram(both_list, Mechanism::with_binding, welcome))
                              : converse(request(), scram(plain_list, Mechanism::without_binding, welcome));
    const Outcome end =
        is_tls
            ? converse(over_tls(), prompted(both_list, Mechanism::with_binding, welcome),
                       scram_plus_mechanism)
            : converse(request(), prompted(plain_list, Mechanism::without_binding, welcome), scram_mechanism);
    CHECK(end.step == Step::ready);
    CHECK(end.out == asked.out);
    CHECK(end.known == asked.known);
  }
}

TEST_CASE("what can't be used, or would not be chosen, is not guessed") {
  const auto out = [](const ServerLoginRequest& asked, std::string_view known) {
    return run(asked, {}, 1, 1, known).out;
  };
  CHECK(out(request(), "").empty());
  CHECK(out(request(), scram_plus_mechanism).empty());
  CHECK(out(over_tls(), scram_mechanism).empty());  // it may have been made to look as if it could not bind
  CHECK(out(with(ChannelBindingPolicy::disable, over_tls()), scram_plus_mechanism).empty());
  CHECK(wire::types(out(with(ChannelBindingPolicy::disable, over_tls()), scram_mechanism)) == "p");
  CHECK(wire::types(out(with(ChannelBindingPolicy::require, over_tls()), scram_plus_mechanism)) == "p");
}

TEST_CASE("a server that wants something else than the last time is not told more, and the next login asks") {
  for (const std::string& wish : {ok, authentication(3), authentication(5, "salt"), plain_list}) {
    const Outcome end = converse(over_tls(), {say(wish)}, scram_plus_mechanism);
    CHECK(end.step == Step::failed);
    CHECK(end.has_guessed_wrong);
    CHECK(wire::types(end.out) == "p");
    CHECK(end.known.empty());
  }
}

TEST_CASE("whatever ends a login that has guessed, the next one asks") {
  const std::string refusal = message('E', "SFATAL\0C57P03\0Mthe database system is starting up\0\0"s);
  const Outcome refused = converse(request(), {say(refusal)}, scram_mechanism);
  CHECK(refused.from_server);
  CHECK_FALSE(refused.has_guessed_wrong);
  CHECK(refused.known.empty());
  CHECK(run(request(), {}, 1, 1, scram_mechanism).known.empty());  // it closes without a word
}

}  // namespace ballast
