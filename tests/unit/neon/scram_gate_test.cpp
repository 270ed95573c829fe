#include "tests/neon/rules/scram_gate.hpp"

#include <doctest/doctest.h>

#include "protocol/message.hpp"
#include "protocol/writer.hpp"

#include "tests/neon/rules/error_table.hpp"

namespace ballast::neon {
namespace {

using Flag = ScramClient::BindingFlag;
using Step = ScramGate::Step;
using namespace std::string_literals;

constexpr std::string_view salt = "0123456789abcdef";
const ScramSecret secret = make_scram_secret("right", salt, 1);

std::string initial(std::string_view mechanism, const std::string& first) {
  std::string body;
  MessageWriter(body, 'p').cstring(mechanism).int32(static_cast<std::int32_t>(first.size())).bytes(first);
  return body.substr(header_size);
}

ScramClient client_with(std::string password, Flag flag, std::string_view binding) {
  return ScramClient({std::move(password), {}}, flag, binding, "clientnonce", nullptr);
}

// The whole exchange; the gate's last step.
Step run(ScramGate& gate, ScramClient client, std::string_view mechanism) {
  std::string out;
  const Step first = gate.receive(initial(mechanism, client.first()), out);
  if (first != Step::go_on) return first;
  std::string answer;
  REQUIRE(client.receive(std::string_view(out).substr(header_size + 4), answer) == ScramStep::go_on);
  return gate.receive(answer, out);
}

TEST_CASE("the right password opens, and the last word waits") {
  ScramGate gate(secret, true, "", "servernonce");
  CHECK(run(gate, client_with("right", Flag::not_supported, ""), scram_mechanism) == Step::done);
  CHECK(gate.final().front() == 'R');
}

TEST_CASE("a wrong password and a role that is not there get the same answer") {
  ScramGate wrong(secret, true, "", "servernonce");
  CHECK(run(wrong, client_with("wrong", Flag::not_supported, ""), scram_mechanism) == Step::refused);
  CHECK(wrong.error_row() == row::wrong_password);
  ScramGate unknown(secret, false, "", "servernonce");
  CHECK(run(unknown, client_with("right", Flag::not_supported, ""), scram_mechanism) == Step::refused);
  CHECK(unknown.error_row() == row::wrong_password);
}

TEST_CASE("-PLUS is offered first, where the certificate allows it") {
  std::string out;
  ScramGate(secret, true, "hash", "servernonce").offer(out);
  CHECK(out.substr(header_size + 4) == "SCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0\0"s);
  out.clear();
  ScramGate(secret, true, "", "servernonce").offer(out);
  CHECK(out.substr(header_size + 4) == "SCRAM-SHA-256\0\0"s);
}

TEST_CASE("channel binding is checked") {
  ScramGate same(secret, true, "hash", "servernonce");
  CHECK(run(same, client_with("right", Flag::in_use, "hash"), scram_plus_mechanism) == Step::done);
  ScramGate other(secret, true, "hash", "servernonce");
  CHECK(run(other, client_with("right", Flag::in_use, "hush"), scram_plus_mechanism) == Step::refused);
  CHECK(other.error_row() == row::wrong_binding);
  ScramGate blind(secret, true, "hash", "servernonce");
  CHECK(run(blind, client_with("right", Flag::not_offered, "hash"), scram_mechanism) == Step::refused);
  CHECK(blind.error_row() == row::plus_not_used);
}

TEST_CASE("what is no SCRAM, or too long, is a violation") {
  std::string out;
  for (const std::string& body : {"nonsense"s, initial("SCRAM-SHA-1", "n,,n=,r=x"), std::string(513, 'x'),
                                  initial(scram_plus_mechanism, "p=tls-server-end-point,,n=,r=x")}) {
    ScramGate gate(secret, true, "", "servernonce");
    CHECK(gate.receive(body, out) == Step::refused);
    CHECK(gate.error_row() == row::sasl_violation);
  }
}

}  // namespace
}  // namespace ballast::neon
