// Asks every worker how things stand, and adds it up. Called on the control thread; `done` follows there,
// when the last worker has answered, and never if the process ends before.
#pragma once

#include <functional>

#include <boost/asio/io_context.hpp>

#include "proxy/app/metrics.hpp"
#include "proxy/app/worker.hpp"

namespace ballast {

void take_census(boost::asio::io_context& control, Household& household, int max_clients,
                 std::function<void(Census)> done);

}  // namespace ballast
