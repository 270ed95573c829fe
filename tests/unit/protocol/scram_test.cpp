#include "protocol/scram.hpp"

#include <string>

#include <doctest/doctest.h>

#include "protocol/base64.hpp"
#include "protocol/digest.hpp"

namespace ballast {
namespace {

using namespace std::string_literals;
using Mechanism = ScramServer::Mechanism;
using BindingFlag = ScramClient::BindingFlag;

const std::string binding = "hash of the certificate";
const std::string salt = "salt";
const ScramSecret secret = make_scram_secret("pencil", salt, 1);

ScramServer server_of(Mechanism mechanism, const std::string& channel_binding) {
  return {secret, mechanism, channel_binding, "SERVER"};
}
ScramServer plain_server() { return server_of(Mechanism::without_binding, ""); }

ScramClient client_of(const std::string& password, BindingFlag flag, const std::string& channel_binding) {
  return {{password, {}}, flag, channel_binding, "CLIENT", nullptr};
}
ScramClient plain_client() { return client_of("pencil", BindingFlag::not_supported, ""); }

struct Conversation {
  ScramStep server_step;
  ScramStep client_step;
};

// A whole exchange; each side's step is its last one.
Conversation converse(ScramServer& server, ScramClient& client) {
  std::string challenge, proof, signature, nothing;
  Conversation steps{server.receive(client.first(), challenge), ScramStep::go_on};
  if (steps.server_step != ScramStep::go_on) return steps;
  steps.client_step = client.receive(challenge, proof);
  if (steps.client_step != ScramStep::go_on) return steps;
  steps.server_step = server.receive(proof, signature);
  if (steps.server_step != ScramStep::done) return steps;
  steps.client_step = client.receive(signature, nothing);
  CHECK(nothing.empty());
  return steps;
}

// What a server says to one message, as "SQLSTATE message / detail".
std::string complaint(ScramServer& server, const std::string& message) {
  std::string out;
  CHECK(server.receive(message, out) == ScramStep::failed);
  CHECK(out.empty());
  return server.error().sqlstate + " " + server.error().message + " / " + server.error().detail;
}
std::string complaint_about_first(const std::string& message) {
  ScramServer server = plain_server();
  return complaint(server, message);
}
std::string complaint_about_final(const std::string& message) {
  ScramServer server = plain_server();
  std::string out;
  REQUIRE(server.receive("n,,n=,r=C", out) == ScramStep::go_on);
  return complaint(server, message);
}

// What a client says to a server-first-message.
std::string refusal(const std::string& message) {
  ScramClient client = plain_client();
  std::string out;
  CHECK(client.receive(message, out) == ScramStep::failed);
  CHECK(out.empty());
  return client.error().message;
}

const std::string zero_proof = encode_base64(std::string(32, '\0'));

}  // namespace

TEST_CASE("the exchange of RFC 7677 ends well") {
  const std::string nonce = "rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
  const auto rfc_salt = decode_base64("W22ZaJ0SNY7soEsUEjb6gQ==");
  ScramServer server(make_scram_secret("pencil", *rfc_salt, 4096), Mechanism::without_binding, "",
                     "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0");
  std::string first, final;
  CHECK(server.receive("n,,n=user,r=rOprNGfwEbeRWgbNEkqO", first) == ScramStep::go_on);
  CHECK(first == "r=" + nonce + ",s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096");
  CHECK(server.receive("c=biws,r=" + nonce + ",p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=", final) ==
        ScramStep::done);
  CHECK(final == "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
  CHECK(server.client_key() == derive_scram_keys("pencil", *rfc_salt, 4096).client_key);
}

TEST_CASE("client and server agree, with and without channel binding") {
  ScramServer plus = server_of(Mechanism::with_binding, binding);
  ScramClient bound = client_of("pencil", BindingFlag::in_use, binding);
  const Conversation with_binding = converse(plus, bound);
  CHECK(with_binding.server_step == ScramStep::done);
  CHECK(with_binding.client_step == ScramStep::done);

  for (const BindingFlag flag : {BindingFlag::not_supported, BindingFlag::not_offered}) {
    ScramServer server = plain_server();
    ScramClient client = client_of("pencil", flag, "");
    const Conversation steps = converse(server, client);
    CHECK(steps.server_step == ScramStep::done);
    CHECK(steps.client_step == ScramStep::done);
  }
}

TEST_CASE("a client that can't bind may use a server that offers it") {
  ScramServer server = server_of(Mechanism::without_binding, binding);
  ScramClient client = plain_client();
  CHECK(converse(server, client).server_step == ScramStep::done);
}

TEST_CASE("a wrong password is a wrong proof, and nothing is answered") {
  ScramServer server = plain_server();
  ScramClient client = client_of("pencils", BindingFlag::not_supported, "");
  CHECK(converse(server, client).server_step == ScramStep::wrong_proof);
  CHECK(server.client_key().empty());
}

TEST_CASE("a client that says y while -PLUS is offered is refused: somebody hid the offer [5.1-23]") {
  ScramServer server = server_of(Mechanism::without_binding, binding);
  CHECK(complaint(server, "y,,n=,r=C").starts_with("28000 SCRAM channel binding negotiation error / "));
}

TEST_CASE("binding flags that do not fit the mechanism are refused") {
  ScramServer plus = server_of(Mechanism::with_binding, binding);
  CHECK(complaint(plus, "n,,n=,r=C")
            .starts_with("08P01 malformed SCRAM message / The client selected SCRAM-SHA-256-PLUS"));
  ScramServer plus_y = server_of(Mechanism::with_binding, binding);
  CHECK(complaint(plus_y, "y,,n=,r=C").starts_with("08P01 malformed SCRAM message"));
  ScramServer unique = server_of(Mechanism::with_binding, binding);
  CHECK(complaint(unique, "p=tls-unique,,n=,r=C") == "08P01 unsupported SCRAM channel-binding type / ");
  CHECK(complaint_about_first("p=tls-server-end-point,,n=,r=C")
            .starts_with("08P01 malformed SCRAM message / The client selected SCRAM-SHA-256 without"));
  CHECK(complaint_about_first("x,,n=,r=C") ==
        "08P01 malformed SCRAM message / Unexpected channel-binding flag.");
}

TEST_CASE("a client bound to another certificate is refused, though it knows the password") {
  ScramServer server = server_of(Mechanism::with_binding, binding);
  ScramClient client = client_of("pencil", BindingFlag::in_use, "hash of another certificate");
  CHECK(converse(server, client).server_step == ScramStep::failed);
  CHECK(server.error().sqlstate == "28000");
  CHECK(server.error().message == "SCRAM channel binding check failed");
}

TEST_CASE("a client that repeats another gs2 header than it began with is refused") {
  CHECK(complaint_about_final("c=eSws,r=CSERVER,p=" + zero_proof) ==
        "08P01 unexpected SCRAM channel-binding attribute in client-final-message / ");
}

TEST_CASE("client-first-messages that are broken are refused") {
  for (const std::string& message :
       {""s, "n"s, "n,"s, "n,x,n=,r=C"s, "n,,"s, "n,,r=C"s, "n,,n="s, "n,,n=,x=,r=C"s, "n,,n=,r"s, "n,,n=,"s,
        "n=,r=C"s, std::string(1025, 'n')})
    CHECK(complaint_about_first(message).substr(0, 5) != "28000");
  CHECK(complaint_about_first("n,a=ann,n=,r=C").starts_with("0A000 client uses authorization identity"));
  CHECK(complaint_about_first("n,,m=x,n=,r=C")
            .starts_with("0A000 client requires an unsupported SCRAM extension"));
}

TEST_CASE("nonces of a client that are empty, huge or unprintable are refused") {
  for (const std::string& nonce : {""s, "\x7f"s, "a b"s, "\xc3\xa4"s, "a\0b"s})
    CHECK(complaint_about_first("n,,n=,r=" + nonce) == "08P01 non-printable characters in SCRAM nonce / ");
  CHECK(complaint_about_first("n,,n=,r=" + std::string(65536, 'C')) ==
        "08P01 malformed SCRAM message / The message is too long.");
}

TEST_CASE("extensions of a client that need not be understood are passed over") {
  ScramServer server = plain_server();
  std::string out;
  CHECK(server.receive("n,,n=,r=C,x=1,y=2", out) == ScramStep::go_on);
}

TEST_CASE("client-final-messages that are broken are refused") {
  for (const std::string& message :
       {""s, "c=biws"s, "c=biws,r=CSERVER"s, "c=biws,r=CSERVER,p="s, "c=biws,r=CSERVER,p=AAAA"s,
        "c=biws,r=CSERVER,p=" + zero_proof + "AAAA", "c=biws,r=CSERVER,p=!" + zero_proof.substr(1),
        "c=biws,r=CSERVER,p=" + zero_proof + ",x=1", "c=b!ws,r=CSERVER,p=" + zero_proof,
        "r=CSERVER,p=" + zero_proof, "c=biws,p=" + zero_proof, "p=" + zero_proof, std::string(65536, 'p')})
    CHECK(complaint_about_final(message).starts_with("08P01 malformed SCRAM message / "));
  for (const std::string& nonce : {"C"s, "CSERVE"s, "CSERVERR"s, ""s, "SERVER"s})
    CHECK(complaint_about_final("c=biws,r=" + nonce + ",p=" + zero_proof) ==
          "08P01 invalid SCRAM response / Nonce does not match.");
}

TEST_CASE("a proof cut at any byte never logs in") {
  ScramClient client = plain_client();
  ScramServer whole = plain_server();
  std::string challenge, final;
  REQUIRE(whole.receive(client.first(), challenge) == ScramStep::go_on);
  REQUIRE(client.receive(challenge, final) == ScramStep::go_on);
  for (std::size_t size = 0; size < final.size(); ++size) {
    ScramServer server = plain_server();
    std::string out;
    REQUIRE(server.receive(client.first(), out) == ScramStep::go_on);
    CHECK(server.receive(final.substr(0, size), out) == ScramStep::failed);
  }
}

TEST_CASE("a server that does not know the password is found out by its signature") {
  for (const std::string& wrong : {encode_base64(std::string(32, '\0')), "AAAA"s, ""s, "!!!!"s}) {
    ScramClient client = plain_client();
    ScramServer server = plain_server();
    std::string challenge, proof, out;
    REQUIRE(server.receive(client.first(), challenge) == ScramStep::go_on);
    REQUIRE(client.receive(challenge, proof) == ScramStep::go_on);
    CHECK(client.receive("v=" + wrong, out) == ScramStep::failed);
    CHECK(out.empty());
  }
  // An impostor that knows the StoredKey alone could check the proof, but not sign.
  ScramSecret stolen = secret;
  stolen.server_key = sha256("guess");
  ScramServer impostor(stolen, Mechanism::without_binding, "", "SERVER");
  ScramClient client = plain_client();
  const Conversation steps = converse(impostor, client);
  CHECK(steps.server_step == ScramStep::done);
  CHECK(steps.client_step == ScramStep::failed);
  CHECK(client.error().message.starts_with("wrong SCRAM server signature"));
}

TEST_CASE("an error of the server in place of its signature is passed on") {
  ScramClient client = plain_client();
  std::string out;
  REQUIRE(client.receive("r=CLIENTx,s=c2FsdA==,i=1", out) == ScramStep::go_on);
  CHECK(client.receive("e=invalid-proof", out) == ScramStep::failed);
  CHECK(client.error().message == "server refused the SCRAM exchange: invalid-proof");
}

TEST_CASE("server-first-messages that are broken are refused") {
  for (const std::string& message : {""s, "r=CLIENTx"s, "r=CLIENTx,i=1"s, "r=CLIENTx,s=c2FsdA=="s,
                                     "s=c2FsdA==,i=1"s, "m=x,r=CLIENTx,s=c2FsdA==,i=1"s})
    CHECK(refusal(message) == "malformed SCRAM message: nonce, salt or iteration count missing");
  for (const std::string& bad : {""s, "c2FsdA"s, "c2F dA=="s, "!!!!"s})
    CHECK(refusal("r=CLIENTx,s=" + bad + ",i=1") == "malformed SCRAM message: invalid salt");
}

TEST_CASE("a server's nonce must begin with ours and go on") {
  for (const std::string& nonce :
       {""s, "CLIENT"s, "CLIEN"s, "OTHERx"s, "xCLIENT"s, "CLIENT\x01"s, "CLIENT x"s})
    CHECK(refusal("r=" + nonce + ",s=c2FsdA==,i=1") == "invalid SCRAM response: nonce mismatch");
}

TEST_CASE("a server's message that is huge is refused before it is looked at (CVE-2026-6665)") {
  CHECK(refusal("r=CLIENT" + std::string(65536, 'x') + ",s=c2FsdA==,i=1") ==
        "SCRAM message of the server is too long");
}

TEST_CASE("iteration counts are within 1 and a million (CVE-2026-6664)") {
  for (const std::string& count : {"0"s, "-1"s, "1000001"s, "2147483647"s, "2147483648"s, "4294967297"s, ""s,
                                   "1x"s, "+1"s, " 1"s, "99999999999999999999"s})
    CHECK(refusal("r=CLIENTx,s=c2FsdA==,i=" + count).starts_with("SCRAM iteration count"));
}

TEST_CASE("keys are derived once per salt and iteration count") {
  ScramKeyCache cache;
  std::string out;
  ScramClient first({"pencil", {}}, BindingFlag::not_supported, "", "CLIENT", &cache);
  REQUIRE(first.receive("r=CLIENTx,s=c2FsdA==,i=2", out) == ScramStep::go_on);
  CHECK(cache.salt == salt);
  CHECK(cache.iterations == 2);
  CHECK(cache.keys.client_key == derive_scram_keys("pencil", salt, 2).client_key);

  // The cache is believed: only so can it be seen that PBKDF2 did not run.
  cache.keys = derive_scram_keys("other", salt, 2);
  std::string cached, derived;
  ScramClient second({"pencil", {}}, BindingFlag::not_supported, "", "CLIENT", &cache);
  REQUIRE(second.receive("r=CLIENTx,s=c2FsdA==,i=2", cached) == ScramStep::go_on);
  CHECK(cached != out);
  // Another salt, or another count: derived anew.
  ScramClient third({"pencil", {}}, BindingFlag::not_supported, "", "CLIENT", &cache);
  REQUIRE(third.receive("r=CLIENTx,s=c2FsdA==,i=3", derived) == ScramStep::go_on);
  CHECK(cache.iterations == 3);
  CHECK(cache.keys.client_key == derive_scram_keys("pencil", salt, 3).client_key);
  ScramClient fourth({"pencil", {}}, BindingFlag::not_supported, "", "CLIENT", &cache);
  REQUIRE(fourth.receive("r=CLIENTx,s=cGVwcGVy,i=3", derived) == ScramStep::go_on);
  CHECK(cache.salt == "pepper");
  CHECK(cache.keys.client_key == derive_scram_keys("pencil", "pepper", 3).client_key);
}

TEST_CASE("the keys of a client's proof open a server with the same secret") {
  ScramServer front = plain_server();
  ScramClient app = plain_client();
  REQUIRE(converse(front, app).client_step == ScramStep::done);

  const ScramKeys keys{front.client_key(), secret.server_key};
  ScramServer behind = plain_server();
  ScramClient proxy({"", keys}, BindingFlag::not_supported, "", "PROXY", nullptr);
  const Conversation steps = converse(behind, proxy);
  CHECK(steps.server_step == ScramStep::done);
  CHECK(steps.client_step == ScramStep::done);

  // After a password change they don't, as the salt is another.
  ScramServer changed(make_scram_secret("pencil", "pepper", 1), Mechanism::without_binding, "", "SERVER");
  ScramClient late({"", keys}, BindingFlag::not_supported, "", "PROXY", nullptr);
  CHECK(converse(changed, late).server_step == ScramStep::wrong_proof);
}

TEST_CASE("without password and keys no proof is sent") {
  for (const ScramKeys& keys :
       {ScramKeys{}, ScramKeys{std::string(32, 'k'), ""}, ScramKeys{"", std::string(32, 'k')}}) {
    ScramClient client({"", keys}, BindingFlag::not_supported, "", "CLIENT", nullptr);
    std::string out;
    CHECK(client.receive("r=CLIENTx,s=c2FsdA==,i=1", out) == ScramStep::failed);
    CHECK(out.empty());
    CHECK(client.error().sqlstate == "28P01");
  }
}

TEST_CASE("a nonce is 24 printable characters of 18 random bytes") {
  const std::string nonce = make_scram_nonce([](std::span<char> out) {
    for (char& byte : out) byte = 'x';
  });
  CHECK(nonce == encode_base64(std::string(18, 'x')));
}

}  // namespace ballast
