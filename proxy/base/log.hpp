// Log: one line per event. Thread-safe. Never a password, never a line per query.
// Standard error is often a pipe whose reader may be stuck: then lines are lost, not time, and the next line
// that gets through is behind one that says how many. spdlog is behind this header only, because including it
// costs seconds per file.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "proxy/base/settings.hpp"

namespace ballast::log {

enum class Level { debug, info, warning, error };

// Called once at start and at each reload. An unusable file throws std::runtime_error.
void configure(const std::string& level, LogFormat format, const std::string& file);

// `who` is the connection's id ("C-17", "S-3") or the part of the program ("listener").
void write(Level level, std::string_view who, std::string_view message);
bool enabled(Level level);
// Lines that standard error did not take, since the start.
std::uint64_t lost_lines();

inline void debug(std::string_view who, std::string_view message) { write(Level::debug, who, message); }
inline void info(std::string_view who, std::string_view message) { write(Level::info, who, message); }
inline void warning(std::string_view who, std::string_view message) { write(Level::warning, who, message); }
inline void error(std::string_view who, std::string_view message) { write(Level::error, who, message); }

}  // namespace ballast::log
