#include "tests/neon/listener.hpp"

#include <stdexcept>
#include <utility>

#include <boost/asio/co_spawn.hpp>

#include "tests/neon/session.hpp"

namespace ballast::neon {
namespace {

constexpr int backlog = 4096;

asio::ip::tcp::endpoint parse_address(const std::string& text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string::npos) throw std::runtime_error("--listen wants ADDRESS:PORT");
  const int port = std::stoi(text.substr(colon + 1));
  return {asio::ip::make_address(text.substr(0, colon)), static_cast<std::uint16_t>(port)};
}

}  // namespace

Listener::Listener(World& world, const std::string& address)
    : world_(world), address_(parse_address(address)) {
  open();
  address_ = acceptor_->local_endpoint();
}

void Listener::open() {
  acceptor_.emplace(world_.executor);
  acceptor_->open(address_.protocol());
  acceptor_->set_option(asio::socket_base::reuse_address(true));
  acceptor_->bind(address_);
  acceptor_->listen(backlog);
  asio::co_spawn(world_.executor, accept(), on_its_own);
}

Task<void> Listener::accept() {
  while (acceptor_) {
    auto [error, socket] = co_await acceptor_->async_accept(with_error);
    if (error == asio::error::operation_aborted) co_return;
    if (error) {
      co_await pause(Milliseconds(10));  // out of descriptors: some will be closed
      continue;
    }
    Session::begin(std::move(socket), world_);
  }
}

void Listener::apply() {
  if (world_.knobs.refuse == Refuse::reset) return acceptor_.reset();
  if (!acceptor_) open();
  if (world_.knobs.refuse == Refuse::drop)
    deafen(acceptor_->native_handle());
  else
    hear_again(acceptor_->native_handle());
}

}  // namespace ballast::neon
