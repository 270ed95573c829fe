#include "proxy/app/service_file.hpp"

#include <vector>

#include "proxy/app/conninfo.hpp"
#include "proxy/base/printable.hpp"
#include "proxy/base/text_file.hpp"

namespace ballast {
namespace {

std::string_view trimmed(std::string_view line) {
  constexpr std::string_view blanks = " \t\r";
  const auto begin = line.find_first_not_of(blanks);
  if (begin == std::string_view::npos) return {};
  return line.substr(begin, line.find_last_not_of(blanks) - begin + 1);
}

std::vector<std::string> candidate_files(const Environment& environment, const std::string& home) {
  std::vector<std::string> files;
  const std::string own = variable(environment, "PGSERVICEFILE");
  files.push_back(own.empty() ? home + "/.pg_service.conf" : own);
  const std::string folder = variable(environment, "PGSYSCONFDIR");
  files.push_back((folder.empty() ? "/etc/postgresql-common" : folder) + "/pg_service.conf");
  return files;
}

}  // namespace

std::optional<std::map<std::string, std::string>> find_service(std::string_view text,
                                                               std::string_view service) {
  std::optional<std::map<std::string, std::string>> found;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const auto end = text.find('\n');
    const std::string_view line = trimmed(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line.empty() || line.front() == '#') continue;
    if (line.front() == '[') {
      if (found) return found;  // the next section begins
      if (line == "[" + std::string(service) + "]") found.emplace();
      continue;
    }
    if (!found) continue;
    const auto equals = line.find('=');
    if (equals == std::string_view::npos) {
      throw UpstreamUrlError("names a service whose line " + std::to_string(number) + " isn't keyword=value");
    }
    found->emplace(line.substr(0, equals), line.substr(equals + 1));
  }
  return found;
}

std::map<std::string, std::string> read_service(const std::string& service, const Environment& environment,
                                                const std::string& home) {
  for (const std::string& file : candidate_files(environment, home)) {
    std::string text;
    try {
      text = read_text_file(file);
    } catch (const TextFileError&) {
      continue;  // the next file may be there
    }
    if (auto found = find_service(text, service)) return *found;
  }
  throw UpstreamUrlError("names the service \"" + printable(service) +
                         "\", which is in no service file; set PGSERVICEFILE");
}

}  // namespace ballast
