#include "tests/neon/world.hpp"

#include <stdexcept>

#include "tests/neon/fill_random.hpp"

namespace ballast::neon {
namespace {

constexpr std::size_t mock_key_size = 32;

void add_role(Roles& roles, const std::string& name_and_secret) {
  const std::size_t at = name_and_secret.find('=');
  const auto secret =
      at == std::string::npos ? std::nullopt : parse_scram_secret(name_and_secret.substr(at + 1));
  if (!secret) throw std::runtime_error("--role wants NAME=SCRAM-SHA-256$...");
  roles.add(name_and_secret.substr(0, at), *secret);
}

}  // namespace

World::World(Executor executor_, const Options& options_)
    : executor(executor_),
      options(options_),
      knobs(options.knobs),
      time(executor),
      dice(std::random_device()()),
      tls(options.certificate_file, options.key_file, options.lowest_tls, knobs),
      permits(executor, knobs),
      postmaster(options.data_folder, options.program_folder),
      roles(options.database, time, knobs, dice),
      compute(executor, options.database, postmaster, connections, time, knobs, dice),
      mock_key(mock_key_size, '\0') {
  fill_random(mock_key);
  for (const std::string& role : options.roles) add_role(roles, role);
}

void count_error(World& world, const ErrorRow& row) {
  ++world.counters.errors_by_row[row.number];
  if (row.text.empty()) ++world.counters.closed_without_word;
}

}  // namespace ballast::neon
