// SASLprep (RFC 4013) as far as a password needs it here: which bytes go into PBKDF2. Pure functions, any
// thread.
//
// PostgreSQL's rule (manual, "SASL Authentication"): pure ASCII is used as it is; what is not UTF-8, or holds
// prohibited characters, is used as the bytes that were typed. Of the rest, spaces and invisible characters
// are mapped here. What would need the tables of Unicode is left out, so two kinds of passwords give other
// keys than PostgreSQL derives: those that normalization (NFKC) changes, such as decomposed accents,
// ligatures and full-width letters (write them down in their normal form), and those that mix such a mapped
// character with right-to-left text or with characters younger than Unicode 3.2.
#pragma once

#include <string>
#include <string_view>

namespace ballast {

std::string saslprep(std::string_view password);

}  // namespace ballast
