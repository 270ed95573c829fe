// ClientLogin under any client: no crash, no endless answer, and nobody gets in without a password.
#include "protocol/client_login.hpp"

#include <utility>

#include "protocol/md5_password.hpp"
#include "protocol/writer.hpp"

#include "tests/fuzz/input.hpp"

using namespace ballast;

namespace {

constexpr std::size_t max_answer = 64 * 1024;

struct OneUser : SecretSource {
  UserSecret secret{"a password that is in no input", md5_secret("a password that is in no input", "a"),
                    make_scram_secret("a password that is in no input", "salt", 1)};
  const UserSecret* find(std::string_view user) override { return user == "a" ? &secret : nullptr; }
};

// Lengths that are right lead further in than a fuzzer would come by guessing them.
void append_packet(std::string& in, std::string_view parameters) {
  MessageWriter(in).int32(protocol_3_2).bytes(parameters).byte('\0');
}
void append_message(std::string& in, std::string_view body) {
  MessageWriter(in, FrontendType::password).bytes(body);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static OneUser users;
  fuzz::Input input(data, size);
  const unsigned choice = input.choice();
  ClientLoginPolicy policy;
  policy.method = static_cast<LoginMethod>(choice % 5);
  policy.tls_offered = (choice & 8) != 0;
  policy.tls_required = (choice & 16) != 0;
  policy.is_unix_socket = (choice & 32) != 0;
  policy.mock_key = "mock key";
  policy.mock_iterations = 1;
  ClientLogin login(policy, users, fuzz::fill_counting);
  if ((choice & 64) != 0) login.tls_started("binding", "");

  const bool is_framed = (choice & 128) != 0;
  bool is_startup = true;  // the next piece is
  std::string in, out;
  for (;;) {
    const std::string_view piece = input.piece();
    if (!is_framed)
      in.append(piece);
    else if (std::exchange(is_startup, false))
      append_packet(in, piece);
    else
      append_message(in, piece);
    std::size_t consumed = 0;
    const ClientLogin::Step step = login.receive(in, consumed, out);
    fuzz::require(consumed <= in.size() && out.size() < max_answer);
    in.erase(0, consumed);
    if (step == ClientLogin::Step::authenticated) fuzz::require(policy.method == LoginMethod::trust);
    if (step == ClientLogin::Step::start_tls)
      login.tls_started("binding", "");
    else if (step != ClientLogin::Step::need_more || input.empty())
      return 0;
  }
}
