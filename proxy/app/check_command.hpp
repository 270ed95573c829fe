// CheckCommand: `ballast check`: the way to the database, step by step. What the steps' results mean is pure
// and apart from taking them.
#pragma once

#include <string>
#include <vector>

#include "proxy/app/check_login.hpp"
#include "proxy/app/check_report.hpp"
#include "proxy/app/environment.hpp"
#include "proxy/app/options.hpp"
#include "proxy/io/peer_certificate.hpp"
#include "proxy/pool/server_limits.hpp"

namespace ballast {

// Prints the findings. The program's exit code: 1 if a step has failed, else 0. Throws OptionsError if there
// is no database to try.
int check(const Options& options, const Environment& environment);

// Nothing to say of a host that isn't Neon's pooler.
std::optional<Finding> pooler_finding(const UpstreamTarget& target);
Finding certificate_finding(const PeerCertificate& certificate, SslMode mode);
// Of the first login's silence and that of one right behind it, when the database was awake for certain.
Finding wake_finding(double silence_ms, double silence_awake_ms);
Finding round_trip_finding(std::vector<double> times_ms);
Finding limits_finding(const ServerLimits& limits, const Settings& settings);

}  // namespace ballast
