// neonsim: a TLS front before a real PostgreSQL that sleeps, wakes, fails and costs as Neon does.
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>

#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

#include "tests/neon/control.hpp"
#include "tests/neon/listener.hpp"
#include "tests/neon/world.hpp"

namespace ballast::neon {
namespace {

// Throws CLI::Error where they are wrong.
Options read_options(CLI::App& app, int argc, char** argv) {
  Options options;
  std::string socket_folder;
  int socket_port = 5432;
  std::vector<std::string> settings;
  app.add_option("--socket-dir", socket_folder, "the folder of PostgreSQL's unix socket")->required();
  app.add_option("--socket-port", socket_port, "its port");
  app.add_option("--superuser", options.database.superuser, "a superuser whom pg_hba.conf trusts there")
      ->required();
  app.add_option("--pgdata", options.data_folder, "stop and start this server in earnest, by pg_ctl");
  app.add_option("--pg-bin", options.program_folder, "where pg_ctl is")->needs("--pgdata");
  app.add_option("--listen", options.listen, "ADDRESS:PORT; port 0: the system's choice");
  app.add_option("--certificate", options.certificate_file, "PEM, with its chain")->required();
  app.add_option("--key", options.key_file)->required();
  app.add_option("--tls-min", options.lowest_tls)->check(CLI::IsMember({"1.2", "1.3"}));
  app.add_option("--domain", options.domain, "what follows the endpoint's name in SNI");
  app.add_option("--endpoint", options.endpoint, "the one endpoint that there is");
  app.add_option("--role", options.roles, "NAME=SCRAM-SHA-256$...; others are the server's own");
  app.add_option("--set", settings, "KNOB=VALUE, as in POST /set");
  app.parse(argc, argv);
  options.database.socket_path = socket_folder + "/.s.PGSQL." + std::to_string(socket_port);
  for (const std::string& setting : settings) {
    const std::size_t at = std::min(setting.find('='), setting.size());
    const std::string value = setting.substr(std::min(at + 1, setting.size()));
    if (const std::string wrong = set_knob(options.knobs, setting.substr(0, at), value); !wrong.empty())
      throw CLI::ValidationError("--set", wrong);
  }
  return options;
}

void allow_many_files() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

int run(const Options& options) {
  std::signal(SIGPIPE, SIG_IGN);
  allow_many_files();
  asio::io_context io(1);
  World world(io.get_executor(), options);
  Listener listener(world, options.listen);
  Control control(world, listener);
  asio::co_spawn(io, world.roles.learn(), on_its_own);
  asio::co_spawn(io, world.compute.run(), on_its_own);
  asio::signal_set signals(io, SIGINT, SIGTERM);
  signals.async_wait([&io](ErrorCode, int) { io.stop(); });
  std::printf("{\"port\": %d, \"control_port\": %d}\n", listener.port(), control.port());
  std::fflush(stdout);
  int status = EXIT_SUCCESS;
  try {
    io.run();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "neonsim: %s\n", error.what());
    status = EXIT_FAILURE;
  }
  world.postmaster.leave();
  std::_Exit(status);  // coroutines that still wait and what they use need not be taken apart in order
}

}  // namespace
}  // namespace ballast::neon

int main(int argc, char** argv) {
  CLI::App app("A TLS front before a PostgreSQL that behaves like Neon.", "neonsim");
  try {
    return ballast::neon::run(ballast::neon::read_options(app, argc, argv));
  } catch (const CLI::Error& error) {
    return app.exit(error);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "neonsim: %s\n", error.what());
    return EXIT_FAILURE;
  }
}
