// read_startup_packet: never past the end, the same at every cut, and what it read can be written again.
#include "protocol/startup.hpp"

#include "tests/fuzz/input.hpp"

using namespace ballast;

namespace {

void rewrite(const StartupMessage& message) {
  StartupParameters parameters = message.parameters;
  parameters.emplace_back("user", message.user);
  parameters.emplace_back("database", message.database);
  std::string packet;
  write_startup_message(packet, message.version, parameters);
  std::size_t consumed = 0;
  const StartupPacket read = read_startup_packet(packet, consumed);
  // A packet at the limit may grow over it by the database that it left out.
  if (std::holds_alternative<InvalidPacket>(read)) return;
  const auto* again = std::get_if<StartupMessage>(&read);
  fuzz::require(again != nullptr && consumed == packet.size());
  fuzz::require(again->user == message.user && again->database == message.database);
  fuzz::require(again->parameters == message.parameters && again->replication == message.replication);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view in(reinterpret_cast<const char*>(data), size);
  std::size_t consumed = 0;
  const StartupPacket packet = read_startup_packet(in, consumed);
  fuzz::require(consumed <= size);
  if (const auto* incomplete = std::get_if<StartupIncomplete>(&packet)) {
    fuzz::require(consumed == 0 && incomplete->needed > size);
    return 0;
  }
  if (const auto* message = std::get_if<StartupMessage>(&packet)) rewrite(*message);
  if (consumed == 0) return 0;
  std::size_t none = 0;
  fuzz::require(read_startup_packet(in.substr(0, consumed), none).index() == packet.index());
  fuzz::require(
      std::holds_alternative<StartupIncomplete>(read_startup_packet(in.substr(0, consumed - 1), none)));
  return 0;
}
