// A glance at a text: is it a single point select, or the like, that no lexer need look at? Every simple
// query with literals in it is a new text, so this is on the path of each.
#pragma once

#include <string_view>

namespace ballast {

// True: one SELECT, UPDATE or DELETE without calls, strings, comments and temporary objects, so plain_effect
// is its effect. False says nothing.
bool is_plain_at_a_glance(std::string_view text);

}  // namespace ballast
