#include "protocol/error_message.hpp"

#include <utility>

#include "protocol/message.hpp"
#include "protocol/reader.hpp"
#include "protocol/writer.hpp"

namespace ballast {
namespace {

std::string_view severity_name(Severity severity) {
  switch (severity) {
    case Severity::error:
      return "ERROR";
    case Severity::fatal:
      return "FATAL";
    case Severity::notice:
      return "NOTICE";
    case Severity::warning:
      return "WARNING";
  }
  return "ERROR";
}

Severity read_severity(std::string_view name) {
  if (name == "FATAL" || name == "PANIC") return Severity::fatal;
  if (name == "WARNING") return Severity::warning;
  if (name == "NOTICE" || name == "INFO" || name == "LOG" || name == "DEBUG") return Severity::notice;
  return Severity::error;
}

// Texts may quote what a peer sent; a zero byte there would end the field, and the rest be read as other
// fields.
void write_field(MessageWriter& message, char code, std::string_view text) {
  message.byte(code).cstring(text.substr(0, text.find('\0')));
}

// One field at the front of `body`: the code and its text. False at the terminator and where bytes are
// missing.
bool read_field(Reader& body, char& code, std::string_view& text) {
  code = body.byte();
  if (code == '\0') return false;
  text = body.cstring();
  return body.ok();
}

std::string replace_all(std::string_view text, std::string_view from, std::string_view to) {
  std::string result;
  for (;;) {
    const std::size_t at = text.find(from);
    result.append(text.substr(0, at));
    if (at == std::string_view::npos) return result;
    result.append(to);
    text.remove_prefix(at + from.size());
  }
}

}  // namespace

PgError fatal(std::string_view sqlstate, std::string message) {
  PgError error;
  error.severity = Severity::fatal;
  error.sqlstate = sqlstate;
  error.message = std::move(message);
  return error;
}

void write_error(std::string& out, const PgError& error) {
  const bool is_error = error.severity == Severity::error || error.severity == Severity::fatal;
  MessageWriter message(out, is_error ? BackendType::error_response : BackendType::notice_response);
  write_field(message, 'S', severity_name(error.severity));
  write_field(message, 'V', severity_name(error.severity));
  write_field(message, 'C', error.sqlstate);
  write_field(message, 'M', error.message);
  if (!error.detail.empty()) write_field(message, 'D', error.detail);
  if (!error.hint.empty()) write_field(message, 'H', error.hint);
  message.byte('\0');
}

PgError read_error(std::string_view body) {
  PgError error;
  Reader reader(body);
  bool has_fixed_severity = false;  // V came: S is the same word in the language of the server
  char code = '\0';
  std::string_view text;
  while (read_field(reader, code, text)) {
    switch (code) {
      case 'V':
        has_fixed_severity = true;
        error.severity = read_severity(text);
        break;
      case 'S':
        if (!has_fixed_severity) error.severity = read_severity(text);
        break;
      case 'C':
        error.sqlstate = text;
        break;
      case 'M':
        error.message = text;
        break;
      case 'D':
        error.detail = text;
        break;
      case 'H':
        error.hint = text;
        break;
      default:
        break;
    }
  }
  return error;
}

std::string replace_in_error(std::string_view body, std::string_view from, std::string_view to) {
  if (from.empty()) return std::string(body);
  std::string result;
  Reader reader(body);
  std::string_view rest = body;  // not copied to `result` yet
  char code = '\0';
  std::string_view text;
  while (read_field(reader, code, text)) {
    result.push_back(code);
    result.append(code == 'M' || code == 'D' ? replace_all(text, from, to) : text);
    result.push_back('\0');
    rest = reader.rest();
  }
  return result.append(rest);
}

}  // namespace ballast
