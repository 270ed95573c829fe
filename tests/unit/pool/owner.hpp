// Owner: a pool that writes down what its servers tell it.
#pragma once

#include <cstddef>
#include <string>
#include <utility>

#include "proxy/pool/server_connection.hpp"

namespace ballast {

class Owner final : public ServerOwner {
 public:
  std::string events;  // i, f logged in or not, s settled, b broken, c schema, d defaults changed, u unheld
  PgError settled;
  PgError broken;
  ParameterSets sets;
  ParameterSetRef bare = sets.intern({});
  CustomSettings custom;
  bool wants_names = false;
  bool has_nameless = false;
  bool wants_limits = false;
  ServerLimits limits;
  std::string user = "ann";

  void on_settled(ServerConnection&, const PgError& error) override {
    events += 's';
    settled = error;
  }
  void on_server_broken(ServerConnection&, const PgError& why) override {
    events += 'b';
    broken = why;
  }
  void on_logged_in(ServerConnection&, const ReportedParameters&) override { events += 'i'; }
  void on_login_failed(ServerConnection&, const PgError&, bool) override { events += 'f'; }
  void on_schema_changed() override { events += 'c'; }
  void on_defaults_changed() override { events += 'd'; }
  void on_unheld(ServerConnection&) override { events += 'u'; }
  ParameterSets& parameter_sets() override { return sets; }
  const ReportedParameters& bare_parameters() const override { return bare->reported; }
  const CustomSettings& custom_settings() const override { return custom; }
  bool wants_setting_names() const override { return wants_names; }
  bool learn_setting_names(const CustomSettings& names) override {
    wants_names = false;
    const std::size_t known = custom.size();
    custom.insert(names.begin(), names.end());
    return custom.size() > known;
  }
  bool takes_limits_question() override { return std::exchange(wants_limits, false); }
  void on_limits(const ServerLimits& told) override { limits = told; }
  bool has_nameless_settings() const override { return has_nameless; }
  const std::string& login_user() const override { return user; }
};

}  // namespace ballast
