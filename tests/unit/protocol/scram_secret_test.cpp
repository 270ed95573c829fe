#include "protocol/scram_secret.hpp"

#include <string>

#include <doctest/doctest.h>

namespace ballast {
namespace {

using namespace std::string_literals;

// Made by PostgreSQL 15.
const std::string pencil =
    "SCRAM-SHA-256$4096:CfZnMuSctGT170lr1qrtBg==$ToArxxQLSpibdmGl20XShFEhvwQ0+WTRE99SbK8UDw0=:"
    "ebXSPtOFVRf7D4aWOeKJr46WmAkew4Dmc/Hv47CfSNk=";
const std::string umlauts =
    "SCRAM-SHA-256$4096:IcPL+oYiCSIGEBk0+amHSA==$YP9WOsGbnkF5aS7nEi702Q0MKxg0AgYir1eO1vuXQg4=:"
    "hdC7dYsCJ8mhEory+giOyX1Wi+16JFSNw7fTjwBHwRE=";
const std::string mapped =
    "SCRAM-SHA-256$4096:AtiDMAFtK254spXTD6kzEQ==$pA8xdibnJcg+S1C6XCA7gEVlnGqFaVQFbTqB2n7Ubac=:"
    "n3bj+gPnaOXtFiV+7oanf3SD2d+7kZ8ehKim6qLUWmQ=";
const std::string prohibited =
    "SCRAM-SHA-256$4096:nYpdFuFltLk+Fk5gfzcmhA==$Dn1ejJKukNA/JpgQqYmSye/aMEYa4T0JaFX8TBb6eQo=:"
    "I6+HqFbHqgCNxpfrj8+YOPQBIUcunz/t+opL8a5gn+g=";

const std::string key(44, 'A');  // not base64 of 32 bytes: the last character should be padding
const std::string good_key = std::string(43, 'A') + "=";

}  // namespace

TEST_CASE("secrets that PostgreSQL made are read, matched and written") {
  const std::pair<std::string, std::string> cases[] = {{pencil, "pencil"},
                                                       {umlauts, "p\u00e4ssw\u00f6rd"},
                                                       {mapped, "a\u00a0b\u00adc"},
                                                       {prohibited, "\u00a0\ue000"}};
  for (const auto& [text, password] : cases) {
    const auto secret = parse_scram_secret(text);
    REQUIRE(secret);
    CHECK(secret->iterations == 4096);
    CHECK(scram_secret_matches(*secret, password));
    CHECK_FALSE(scram_secret_matches(*secret, password + "x"));
    CHECK(format_scram_secret(*secret) == text);
    CHECK(format_scram_secret(make_scram_secret(password, secret->salt, secret->iterations)) == text);
  }
}

TEST_CASE("a secret cut at any byte is none") {
  for (std::size_t size = 0; size < pencil.size(); ++size)
    CHECK_FALSE(parse_scram_secret(pencil.substr(0, size)));
}

TEST_CASE("secrets that are broken are refused") {
  const std::string keys = good_key + ":" + good_key;
  REQUIRE(parse_scram_secret("SCRAM-SHA-256$1:c2FsdA==$" + keys));
  CHECK(parse_scram_secret("SCRAM-SHA-256$1000000:c2FsdA==$" + keys));
  for (const std::string& bad :
       {"scram-sha-256$1:c2FsdA==$" + keys, "SCRAM-SHA-1$1:c2FsdA==$" + keys,
        "SCRAM-SHA-256$0:c2FsdA==$" + keys, "SCRAM-SHA-256$-1:c2FsdA==$" + keys,
        "SCRAM-SHA-256$1000001:c2FsdA==$" + keys, "SCRAM-SHA-256$2147483648:c2FsdA==$" + keys,
        "SCRAM-SHA-256$99999999999999999999:c2FsdA==$" + keys, "SCRAM-SHA-256$:c2FsdA==$" + keys,
        "SCRAM-SHA-256$1x:c2FsdA==$" + keys, "SCRAM-SHA-256$ 1:c2FsdA==$" + keys, "SCRAM-SHA-256$1:$" + keys,
        "SCRAM-SHA-256$1:salt!$" + keys, "SCRAM-SHA-256$1:c2FsdA==$" + good_key,
        "SCRAM-SHA-256$1:c2FsdA==$" + keys + " ", "SCRAM-SHA-256$1:c2FsdA==$" + key + ":" + good_key,
        "SCRAM-SHA-256$1:c2FsdA==$QQ==:" + good_key, "SCRAM-SHA-256$1:c2FsdA==$" + good_key + ":QQ=="})
    CHECK_FALSE(parse_scram_secret(bad));
}

TEST_CASE("a mock secret is always the same for a name, and another for another name or key") {
  const ScramSecret mock = mock_scram_secret("key", "ann", 4096);
  CHECK(mock.salt.size() == scram_salt_size);
  CHECK(mock.stored_key.size() == scram_key_size);
  CHECK(mock.server_key.size() == scram_key_size);
  CHECK(format_scram_secret(mock) == format_scram_secret(mock_scram_secret("key", "ann", 4096)));
  CHECK(mock.salt != mock_scram_secret("key", "bob", 4096).salt);
  CHECK(mock.salt != mock_scram_secret("other", "ann", 4096).salt);
  CHECK(mock.salt == mock_scram_salt("key", "ann"));
}

}  // namespace ballast
