// The status page: one HTML file (status_page.html, compiled in), which asks for /stats and /stats/history by
// itself. Immutable.
#pragma once

#include <string_view>

#include "proxy/app/http.hpp"

namespace ballast {

extern const std::string_view status_page_html;

// With a Content-Security-Policy that lets nothing run but the page's own script and style, by their hashes.
HttpAnswer status_page();

}  // namespace ballast
