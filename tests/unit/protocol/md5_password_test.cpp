#include "protocol/md5_password.hpp"

#include <string>

#include <doctest/doctest.h>

namespace ballast {

// The expected values are md5sum's.
TEST_CASE("an md5 secret and its response are PostgreSQL's") {
  const std::string secret = md5_secret("pencil", "user");
  CHECK(secret == "md520c46e3762c864548e296b33c3406aa9");
  CHECK(is_md5_secret(secret));
  CHECK(md5_response(secret, "salt") == "md5d3d9bcccbaa2fb5234570d4d0f22b055");
}

TEST_CASE("what is no md5 secret has no response") {
  CHECK_FALSE(is_md5_secret(""));
  CHECK_FALSE(is_md5_secret("md5"));
  CHECK_FALSE(is_md5_secret("md50123456789abcdef0123456789abcdeg"));
  CHECK(is_md5_secret("md50123456789abcdef0123456789abcdef"));
  CHECK(md5_response("md5", "salt").empty());
}

}  // namespace ballast
