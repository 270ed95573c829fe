// ServerLogin under any server: no crash, no endless answer, and no session with a server that has to prove
// itself and can't.
#include "protocol/server_login.hpp"

#include <algorithm>

#include "protocol/writer.hpp"

#include "tests/fuzz/input.hpp"

using namespace ballast;

namespace {

constexpr std::size_t max_answer = 4096;
constexpr int max_iterations_digits = 4;  // PBKDF2 would take all the time there is

bool asks_for_much_work(std::string_view in) {
  const std::size_t at = in.find(",i=");
  if (at == std::string_view::npos) return false;
  const std::size_t end = in.find_first_not_of("0123456789", at + 3);
  return std::min(end, in.size()) - (at + 3) > max_iterations_digits;
}

// Lengths that are right lead further in than a fuzzer would come by guessing them.
void append_message(std::string& in, fuzz::Input& input) {
  const auto type = static_cast<char>(input.choice());
  MessageWriter message(in, type);
  if (type == static_cast<char>(BackendType::authentication))
    message.int32(static_cast<std::int32_t>(input.choice() % 16));
  message.bytes(input.piece());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Input input(data, size);
  const unsigned choice = input.choice();
  ServerLoginRequest request;
  request.password = (choice & 1) != 0 ? "pencil" : "";
  request.keys = {std::string(32, 'c'), std::string(32, 's')};
  request.parameters = {{"user", "a"}};
  request.user = "a";
  request.is_tls = (choice & 2) != 0;
  request.tls_verified = request.is_tls && (choice & 4) != 0;
  if (request.is_tls && (choice & 8) != 0) request.channel_binding = "binding";
  request.channel_binding_policy = static_cast<ChannelBindingPolicy>((choice >> 4 & 7) % 3);
  const bool is_framed = (choice & 128) != 0;
  ScramKeyCache cache;
  const unsigned known = (choice >> 4 & 7) / 3;
  cache.mechanism = known == 0 ? std::string_view() : known == 1 ? scram_plus_mechanism : scram_mechanism;
  ServerLogin login(request, &cache, fuzz::fill_counting);

  std::string in, out;
  login.start(out);
  if (asks_for_much_work(input.rest())) return 0;
  for (;;) {
    if (is_framed)
      append_message(in, input);
    else
      in.append(input.piece());
    if (asks_for_much_work(in)) return 0;
    std::size_t consumed = 0;
    const ServerLogin::Step step = login.receive(in, consumed, out);
    fuzz::require(consumed <= in.size() && out.size() < max_answer);
    in.erase(0, consumed);
    if (step == ServerLogin::Step::ready)
      fuzz::require(request.channel_binding_policy != ChannelBindingPolicy::require);
    if (step != ServerLogin::Step::need_more || input.empty()) return 0;
  }
}
