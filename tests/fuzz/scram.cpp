// Both sides of SCRAM, and secrets, under any message: no crash, and nobody is believed without proof.
#include "protocol/scram.hpp"

#include "protocol/base64.hpp"
#include "protocol/saslprep.hpp"

#include "tests/fuzz/input.hpp"

using namespace ballast;

namespace {

void fuzz_server(fuzz::Input input) {
  static const ScramSecret secret = make_scram_secret("a password that is in no input", "salt", 1);
  const bool is_bound = input.choice() % 2 == 1;
  ScramServer server(
      secret, is_bound ? ScramServer::Mechanism::with_binding : ScramServer::Mechanism::without_binding,
      is_bound ? "binding" : "", "SERVER");
  const bool is_helped = input.choice() % 2 == 1;
  std::string out;
  if (server.receive(input.piece(), out) != ScramStep::go_on) return;
  // A fuzzer does not find the nonce by itself.
  const std::string head = is_helped ? "c=biws," + out.substr(0, out.find(",s=")) : "";
  out.clear();
  fuzz::require(server.receive(head + std::string(input.rest()), out) != ScramStep::done && out.empty());
}

void fuzz_client(fuzz::Input input) {
  const auto flag = static_cast<ScramClient::BindingFlag>(input.choice() % 3);
  // Keys and no password: PBKDF2 would take all the time there is.
  ScramClient client({"", {std::string(32, 'c'), std::string(32, 's')}}, flag, "binding", "CLIENT", nullptr);
  std::string out;
  if (client.receive(input.piece(), out) != ScramStep::go_on) return;
  fuzz::require(client.receive(input.rest(), out) == ScramStep::failed);
}

void fuzz_texts(std::string_view text) {
  if (const auto bytes = decode_base64(text)) fuzz::require(decode_base64(encode_base64(*bytes)) == bytes);
  fuzz::require(decode_base64(encode_base64(text)) == text);
  fuzz::require(saslprep(text).size() <= text.size());
  if (const auto secret = parse_scram_secret(text)) {
    const auto again = parse_scram_secret(format_scram_secret(*secret));
    fuzz::require(again && again->salt == secret->salt && again->iterations == secret->iterations);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Input input(data, size);
  switch (input.choice() % 3) {
    case 0:
      fuzz_server(input);
      break;
    case 1:
      fuzz_client(input);
      break;
    default:
      fuzz_texts(input.rest());
  }
  return 0;
}
