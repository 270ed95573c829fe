#include "proxy/app/import_command.hpp"

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <map>
#include <optional>
#include <utility>

#include "proxy/app/pgbouncer_table.hpp"
#include "proxy/base/printable.hpp"
#include "proxy/base/settings_table.hpp"

namespace ballast {
namespace {

using Values = std::map<std::string, std::string>;
using Named = std::vector<std::pair<std::string, std::string>>;

template <typename Pairs>
std::string value_in(const Pairs& pairs, std::string_view name) {
  std::string value;
  for (const auto& [key, each] : pairs) {
    if (key == name) value = each;  // the last one counts
  }
  return value;
}

void put(Named& pairs, const std::string& name, const std::string& value) {
  const auto found = std::ranges::find(pairs, name, &Named::value_type::first);
  found == pairs.end() ? void(pairs.emplace_back(name, value)) : void(found->second = value);
}

std::string commented(std::string line, std::string_view note) {
  constexpr std::size_t column = 40;
  if (note.empty()) return line + "\n";
  line.append(line.size() < column ? column - line.size() : 1, ' ');
  return line + "# " + std::string(note) + "\n";
}

// For upstream_url, as keywords (PostgreSQL manual 34.1.1.1).
std::string keyword(std::string_view name, std::string_view value) {
  std::string text = std::string(name) + "=";
  const bool is_plain = value.find_first_of(" '\\\t") == value.npos;
  if (is_plain) return text + std::string(value);
  text += '\'';
  for (const char c : value) text += c == '\'' || c == '\\' ? std::string("\\") + c : std::string(1, c);
  return text + "'";
}

// Lines of one section of the TOML.
class Section {
 public:
  explicit Section(PgBouncerSection kind) : kind_(kind) {}

  // Each setting once, in the table's order; what isn't in the table last.
  void add(const Values& values) {
    for (const PgBouncerSetting& row : pgbouncer_settings(kind_)) {
      if (const auto found = values.find(std::string(row.name)); found != values.end())
        add(row, found->second);
    }
    for (const auto& [name, value] : values) {
      if (find_pgbouncer_setting(kind_, name) == nullptr) say(name, "PgBouncer 1.25 does not know it");
    }
  }

  void set(const std::string& name, const std::string& toml, std::string_view note) {
    put(lines_, name, commented(name + " = " + toml, note));
  }
  void say(std::string_view about, std::string_view what) {
    comments_ += "# " + printable(about) + ": " + std::string(what) + "\n";
  }
  bool has(const std::string& name) const {
    return std::ranges::find(lines_, name, &Named::value_type::first) != lines_.end();
  }
  // As PgBouncer reads a number; nothing: it isn't set.
  std::optional<int> number(const std::string& name) const {
    const auto found = numbers_.find(name);
    return found == numbers_.end() ? std::nullopt : std::optional(found->second);
  }

  // Ballast refuses what PgBouncer silently lowers.
  void keep_least_below(int size, int least) {
    if (least <= size) return;
    set("min_pool_size", std::to_string(size), "no more than the pool's size");
  }

  std::string text() const {
    std::string text;
    for (const auto& [name, line] : lines_) text += line;
    return text + comments_;
  }

 private:
  void add(const PgBouncerSetting& row, const std::string& value) {
    if (row.import_as == ImportAs::url) return;  // the whole of them are one setting
    const bool may_be_secret = row.name == "password" || row.name == "auth_ldap_options";
    const std::string origin = std::string(row.name) + (may_be_secret ? "" : " = " + value);
    if (row.import_as == ImportAs::nothing) return say(origin, row.note);
    Conversion conversion{value, std::string(row.note), ImportAs::setting};
    if (row.convert != nullptr) conversion = row.convert(value);
    if (conversion.as == ImportAs::nothing) return say(origin, conversion.note);
    const std::string name(row.as);
    const SettingType& type = type_of(name);
    try {
      const SettingValue parsed = parse_setting(type, conversion.value);
      const std::string text = setting_text(type, parsed);
      set(name, type.kind == SettingKind::number ? text : json_string(text), conversion.note);
      if (type.kind == SettingKind::number) numbers_[name] = static_cast<int>(parsed.number);
    } catch (const std::invalid_argument& problem) {
      say(origin, problem.what());
    }
  }

  const SettingType& type_of(const std::string& name) const {
    if (kind_ == PgBouncerSection::pgbouncer) return find_setting(name)->type;
    const bool is_user = kind_ == PgBouncerSection::user;
    return find_override(is_user ? OverrideScope::user : OverrideScope::database, name)->type;
  }

  const PgBouncerSection kind_;
  Named lines_;
  std::map<std::string, int> numbers_;
  std::string comments_;
};

class Import {
 public:
  explicit Import(const std::vector<IniEntry>& entries) {
    for (const auto& [section, key, value] : entries) sort_in(section, key, value);
  }

  std::string text(std::string_view origin) {
    choose_server();
    globals_.add(settings_);
    add_defaults();
    globals_.keep_least_below(globals_.number("default_pool_size").value_or(Settings().default_pool_size),
                              least());
    std::string rest;
    for (const auto& [name, value] : databases_) rest += database_text(name, value);
    for (const auto& [name, value] : users_) rest += owner_text("users", name, value, PgBouncerSection::user);
    return "# From " + printable(origin) +
           " by `ballast import`. Whole lines that begin with # say what has no equal, and why.\n\n" +
           upstream_text() + "\n" + globals_.text() + others_ + rest;
  }

 private:
  using Server = std::pair<std::string, std::string>;  // host, port

  void sort_in(const std::string& section, const std::string& key, const std::string& value) {
    if (section == "databases") {
      put(databases_, key, value);
    } else if (section == "users") {
      put(users_, key, value);
    } else if (section == "pgbouncer") {
      settings_[key] = value;
    } else if (section == "peers") {
      others_ += "# [peers] " + printable(key) + ": one process serves all; cancels find their way\n";
    } else {
      others_ += "# [" + printable(section) + "] " + printable(key) +
                 ": PgBouncer 1.25 does not know this section\n";
    }
  }

  ConnectionPairs pairs_of(const std::string& owner, const std::string& value) const {
    try {
      return parse_connection_pairs(value);
    } catch (const PgBouncerFileError& failure) {
      throw PgBouncerFileError("\"" + printable(owner) + "\" " + failure.what());
    }
  }

  // Without a host it is the unix socket in PgBouncer's own folder.
  Server server_of(const ConnectionPairs& pairs) const {
    const std::string folder = value_in(settings_, "unix_socket_dir");
    std::string host = value_in(pairs, "host");
    std::string port = value_in(pairs, "port");
    if (host.empty()) host = folder.empty() ? "/tmp" : folder;
    return {host, port.empty() ? "5432" : port};
  }

  // Ballast serves one; that of the first database, or of * if there is no other.
  void choose_server() {
    for (const auto& [name, value] : databases_) {
      if (!chosen_.empty() && chosen_ != "*") break;
      if (!chosen_.empty() && name == "*") continue;
      chosen_ = name;
    }
    if (chosen_.empty()) return;
    chosen_pairs_ = pairs_of(chosen_, value_in(databases_, chosen_));
    server_ = server_of(chosen_pairs_);
  }

  std::string upstream_text() const {
    if (chosen_.empty()) return "# upstream_url: [databases] names none; set NEON_DATABASE_URL\n";
    const std::string dbname = value_in(chosen_pairs_, "dbname");
    const std::string of_all = chosen_ == "*" ? "postgres" : chosen_;
    std::string url = keyword("host", server_.first) + " " + keyword("port", server_.second) + " " +
                      keyword("dbname", dbname.empty() ? of_all : dbname);
    const std::string user = value_in(chosen_pairs_, "user");
    if (!user.empty()) url += " " + keyword("user", user);
    for (const PgBouncerSetting& row : pgbouncer_settings(PgBouncerSection::pgbouncer)) {
      const std::string value = value_in(settings_, row.name);
      if (row.import_as == ImportAs::url && !value.empty()) url += " " + keyword(row.as, value);
    }
    std::string note = "the server of database " + printable(chosen_);
    if (server_.first.find(',') != std::string::npos)
      note += "; its hosts are tried in this order, not by turns";
    return commented("upstream_url = " + json_string(url), note);
  }

  void add_defaults() {
    for (const PgBouncerDefault& initial : pgbouncer_defaults()) {
      if (settings_.contains(std::string(initial.name))) continue;
      const std::string note = initial.note.empty() ? "" : ": " + std::string(initial.note);
      globals_.set(std::string(initial.name), std::string(initial.value), "PgBouncer's default" + note);
    }
  }

  std::string database_text(const std::string& name, const std::string& value) {
    const ConnectionPairs pairs = pairs_of(name, value);
    const bool is_elsewhere = server_of(pairs) != server_;
    if (is_elsewhere) {
      return "\n# " + printable(name) + ": another server (" + printable(server_of(pairs).first) +
             "), which needs a Ballast of its own\n";
    }
    if (name == "*") return "\n# *: every database of the server can be had\n";
    return owner_text("databases", name, value, PgBouncerSection::database);
  }

  std::string owner_text(const std::string& title, const std::string& name, const std::string& value,
                         PgBouncerSection kind) {
    Section section(kind);
    Values values;
    for (const auto& [key, each] : pairs_of(name, value)) values[key] = each;
    if (values["dbname"] == name || values["dbname"].empty()) values.erase("dbname");
    section.add(values);
    const int global_size = globals_.number("default_pool_size").value_or(Settings().default_pool_size);
    section.keep_least_below(section.number("pool_size").value_or(global_size),
                             section.number("min_pool_size").value_or(std::min(least(), global_size)));
    const std::string text = section.text();
    return text.empty() ? "" : "\n[" + title + "." + json_string(name) + "]\n" + text;
  }

  int least() const { return globals_.number("min_pool_size").value_or(0); }

  Values settings_;
  Named databases_;
  Named users_;
  std::string others_;
  std::string chosen_;
  ConnectionPairs chosen_pairs_;
  Server server_;
  Section globals_{PgBouncerSection::pgbouncer};
};

}  // namespace

int import_settings(const Options& options) {
  try {
    std::cout << imported_text(read_pgbouncer_file(options.operand), options.operand);
  } catch (const PgBouncerFileError& failure) {
    throw OptionsError(failure.what());
  }
  return 0;
}

std::string imported_text(const std::vector<IniEntry>& entries, std::string_view origin) {
  return Import(entries).text(origin);
}

}  // namespace ballast
