// Survey: how the pools, clients and servers of the workers stand, for the console. Each worker copies its
// own on its own thread; they are put together on the control thread.
#pragma once

#include <functional>
#include <vector>

#include <boost/asio/io_context.hpp>

#include "proxy/app/console_figures.hpp"
#include "proxy/app/console_tables.hpp"
#include "proxy/app/worker.hpp"

namespace ballast {

// Called on the control thread; `done` follows there, when the last worker has answered, and never if the
// process ends before. Of the figures what all workers have together is filled in.
void take_survey(boost::asio::io_context& control, Household& household, Depth depth,
                 std::function<void(ConsoleFigures)> done);

}  // namespace ballast
