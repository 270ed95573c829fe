// SASLprep (RFC 4013) as far as a password needs it here: which bytes go into PBKDF2. Pure functions, any
// thread.
//
// PostgreSQL's rule (manual, "SASL Authentication"): pure ASCII is used as it is; what is not UTF-8, or holds
// prohibited characters, is used as the bytes that were typed. Of the rest, spaces and invisible characters
// are mapped here; normalization (NFKC) would need the tables of Unicode and is left out. So a password with
// characters that NFKC changes (decomposed accents, ligatures, full-width letters) must be written down in
// its normal form; any other gives the keys that PostgreSQL derives.
#pragma once

#include <string>
#include <string_view>

namespace ballast {

std::string saslprep(std::string_view password);

}  // namespace ballast
