#include "proxy/app/status_page.hpp"

#include <string>

#include "protocol/base64.hpp"
#include "protocol/digest.hpp"

namespace ballast {

namespace {

// Of the one element of that name: its content as CSP knows it (w3.org/TR/CSP3, 2.3.1 source lists).
std::string source_of(std::string_view element) {
  const std::string open = "<" + std::string(element) + ">";
  const std::size_t begin = status_page_html.find(open) + open.size();
  const std::size_t end = status_page_html.find("</" + std::string(element) + ">");
  return "'sha256-" + encode_base64(sha256(status_page_html.substr(begin, end - begin))) + "'";
}

}  // namespace

HttpAnswer status_page() {
  static const std::string policy = "default-src 'none'; script-src " + source_of("script") + "; style-src " +
                                    source_of("style") +
                                    "; connect-src 'self'; base-uri 'none'; form-action 'none'; "
                                    "frame-ancestors 'none'";
  HttpAnswer page{200, "text/html; charset=utf-8", std::string(status_page_html)};
  page.headers = {{"Content-Security-Policy", policy}, {"Referrer-Policy", "no-referrer"}};
  return page;
}

}  // namespace ballast
