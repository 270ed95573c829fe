#include "proxy/app/inherited_sockets.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include <unistd.h>

#include "proxy/io/descriptor_passing.hpp"

namespace ballast {

namespace {

constexpr int first_of_service = 3;  // SD_LISTEN_FDS_START

int number(const std::string& text) {
  int found = 0;
  std::from_chars(text.data(), text.data() + text.size(), found);
  return found;
}

FileDescriptor take_if(std::vector<InheritedSockets::Item>& items, const auto& is_meant) {
  const auto found = std::find_if(items.begin(), items.end(), is_meant);
  if (found == items.end()) return {};
  FileDescriptor socket = std::move(found->socket);
  items.erase(found);
  return socket;
}

}  // namespace

InheritedSockets InheritedSockets::of_service(const Environment& environment) {
  InheritedSockets sockets;
  if (number(variable(environment, "LISTEN_PID")) != ::getpid()) return sockets;
  const int count = number(variable(environment, "LISTEN_FDS"));
  std::string names = variable(environment, "LISTEN_FDNAMES");
  for (int fd = first_of_service; fd < first_of_service + count; ++fd) {
    const std::string name = names.substr(0, names.find(':'));
    names.erase(0, name.size() + 1);
    sockets.add(FileDescriptor(fd), name);
  }
  sockets.are_of_service_ = !sockets.items_.empty();
  return sockets;
}

void InheritedSockets::add(FileDescriptor socket, std::string name) {
  std::string address = listening_address(socket.get());
  if (!address.empty()) items_.push_back({std::move(address), std::move(name), std::move(socket)});
}

FileDescriptor InheritedSockets::take(const std::string& address) {
  return take_if(items_, [&](const Item& item) { return item.address == address; });
}

FileDescriptor InheritedSockets::take_named(const std::string& name) {
  return take_if(items_, [&](const Item& item) { return item.name == name; });
}

}  // namespace ballast
