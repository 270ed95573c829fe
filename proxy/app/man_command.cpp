#include "proxy/app/man_command.hpp"

#include <algorithm>
#include <string_view>

#include "proxy/app/command_table.hpp"
#include "proxy/base/settings_table.hpp"

namespace ballast {
namespace {

// Text that roff leaves as it is (groff_char(7); a line of its own must not begin with a dot or a quote).
std::string roff(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    const bool begins_line = escaped.empty() || escaped.back() == '\n';
    if (begins_line && (c == '.' || c == '\'')) escaped += "\\&";
    if (c == '\\') {
      escaped += "\\e";
    } else if (c == '-') {
      escaped += "\\-";
    } else {
      escaped += c;
    }
  }
  return escaped;
}

std::string bold(std::string_view text) { return "\\fB" + roff(text) + "\\fR"; }
std::string italic(std::string_view text) { return "\\fI" + roff(text) + "\\fR"; }

std::string item(const std::string& tag, const std::string& text) {
  return ".TP\n" + tag + "\n" + text + "\n";
}

std::string paragraphs(std::string_view text) {
  std::string page;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find("\n\n"), text.size());
    page += (page.empty() ? "" : ".PP\n") + roff(text.substr(0, end)) + "\n";
    text.remove_prefix(std::min(text.size(), end + 2));
  }
  return page;
}

std::string synopsis() {
  std::string page = ".SH SYNOPSIS\n";
  for (const CommandEntry& entry : command_table()) {
    if (page.back() == '\n' && &entry != &command_table().front()) page += ".br\n";
    const std::string operand = entry.operand.empty() ? "" : " " + italic(entry.operand);
    page += bold("ballast") + " " + bold(entry.name) + operand + " [" + italic("options") + "]\n";
  }
  return page;
}

std::string commands() {
  std::string page = ".SH COMMANDS\n";
  for (const CommandEntry& entry : command_table()) {
    page += ".SS " + roff(entry.name) + "\n" + paragraphs(entry.description);
    for (const CommandOption& option : entry.options) {
      const std::string value = option.value.empty() ? "" : " " + italic(option.value);
      page += item(bold(option.name) + value, roff(option.meaning));
    }
  }
  return page;
}

std::string setting_item(const Setting& setting) {
  std::string name = "--" + std::string(setting.name);
  std::ranges::replace(name, '_', '-');
  const std::string initial = setting_text(setting.type, value_of(setting, Settings()));
  const std::string range = setting_range(setting.type);
  std::string note;
  if (!initial.empty()) note += "Default: " + initial + ". ";
  if (!range.empty()) note += "Range: " + range + ". ";
  note += setting.takes == Takes::reload ? "A reload changes it." : "A change needs a restart.";
  return item(bold(name) + " " + italic("value"), roff(setting.meaning) + "\n" + roff(note));
}

std::string settings() {
  std::string page =
      ".SH SETTINGS\n"
      "Each is\n" +
      italic("name = value") + "\nin the file (TOML, with _ in names),\n" + italic("BALLAST_NAME") +
      "\nin the environment, or an option; the later of these wins.\n" +
      roff("Durations are seconds (30, 0.5) or carry a unit (500ms, 2min, 1h); sizes may too (16MB).") + "\n";
  std::string_view section;
  for (const Setting& setting : settings_table()) {
    if (setting.section != section) page += ".SS " + roff(setting.section) + "\n";
    section = setting.section;
    page += setting_item(setting);
  }
  return page;
}

std::string ending() {
  return ".SH OPTIONS\n" +
         item(bold("--config") + " " + italic("file"),
              roff("Read settings from this file; else from $BALLAST_CONFIG, ./ballast.toml or "
                   "/etc/ballast/ballast.toml.")) +
         item(bold("-h") + ", " + bold("--help"), roff("Show help; behind a command, of that.")) +
         item(bold("-V") + ", " + bold("--version"), "Show the version.") + ".SH ENVIRONMENT\n" +
         item(bold("NEON_DATABASE_URL") + ", " + bold("DATABASE_URL"),
              "The database to serve, if no setting says it.") +
         item(bold("BALLAST_CONFIG"), "The file of settings.") +
         item(bold("BALLAST_NAME"), "The setting of that name.") + ".SH SIGNALS\n" +
         item(bold("SIGHUP"), roff("Reads settings, users and certificates again; if anything is wrong, all "
                                   "stays as it was.")) +
         item(bold("SIGTERM") + ", " + bold("SIGINT"),
              roff("No new clients; running transactions finish within shutdown_timeout. A second one ends "
                   "at once.")) +
         ".SH EXIT STATUS\n" + item(bold("0"), "All went well.") +
         item(
             bold("1"),
             roff("A step of check has failed, or the Ballast to ask does not answer or takes no clients.")) +
         item(bold("2"),
              roff("The command line or a setting is wrong; one line on standard error says which.")) +
         ".SH EXAMPLES\n.nf\n" + roff("NEON_DATABASE_URL='postgresql://app:password@host/db' ballast") +
         "\n" + roff("ballast check 'postgresql://app@host/db'") + "\n" +
         roff("ballast import pgbouncer.ini > ballast.toml") +
         "\n.fi\n.SH SEE ALSO\n.BR psql (1),\n.BR pgbouncer (1)\n";
}

}  // namespace

std::string man_text() {
  return ".TH BALLAST 1 \"\" \"ballast " BALLAST_VERSION
         "\" \"User Commands\"\n"
         ".SH NAME\n"
         "ballast \\- a PostgreSQL connection pooler for Neon\n" +
         synopsis() + ".SH DESCRIPTION\n" +
         paragraphs(
             "Speaks the PostgreSQL protocol and shares few connections to a database among many clients, "
             "which notice "
             "nothing of it: session state survives. A database that sleeps is woken once, while clients "
             "wait.\n\n"
             "An application points its database URL at Ballast and changes nothing else.") +
         commands() + settings() + ending();
}

}  // namespace ballast
