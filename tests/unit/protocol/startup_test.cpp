#include "protocol/startup.hpp"

#include <string>
#include <variant>

#include <doctest/doctest.h>

#include "tests/unit/protocol/wire.hpp"

namespace ballast {
namespace {

using namespace wire;

const std::string good = startup("user\0ann\0database\0shop\0application_name\0\0"s);

// Reads a packet that must be whole, and every prefix of which must be incomplete.
StartupPacket read_at_every_cut(const std::string& packet) {
  std::size_t consumed = 0;
  for (std::size_t size = 0; size < packet.size(); ++size) {
    const StartupPacket part = read_startup_packet(std::string_view(packet).substr(0, size), consumed);
    REQUIRE(std::holds_alternative<StartupIncomplete>(part));
    CHECK(std::get<StartupIncomplete>(part).needed == (size < 4 ? 4 : packet.size()));
    CHECK(consumed == 0);
  }
  const StartupPacket whole = read_startup_packet(packet + "behind", consumed);
  CHECK(consumed == packet.size());
  return whole;
}

bool is_invalid(const std::string& bytes) {
  std::size_t consumed = 0;
  return std::holds_alternative<InvalidPacket>(read_startup_packet(bytes, consumed));
}

StartupMessage read_good(const std::string& packet) {
  const StartupPacket read = read_at_every_cut(packet);
  REQUIRE(std::holds_alternative<StartupMessage>(read));
  return std::get<StartupMessage>(read);
}

PgError read_bad(const std::string& packet) {
  const StartupPacket read = read_at_every_cut(packet);
  REQUIRE(std::holds_alternative<PgError>(read));
  CHECK(std::get<PgError>(read).severity == Severity::fatal);
  return std::get<PgError>(read);
}

}  // namespace

TEST_CASE("a startup packet cut at any byte is read the same") {
  const StartupMessage message = read_good(good);
  CHECK(message.version == protocol_3_0);
  CHECK(message.user == "ann");
  CHECK(message.database == "shop");
  CHECK(message.parameters == StartupParameters{{"application_name", ""}});
  CHECK(message.replication == Replication::none);
}

TEST_CASE("a database that is missing or empty is the user's name") {
  CHECK(read_good(startup("user\0ann\0"s)).database == "ann");
  CHECK(read_good(startup("user\0ann\0database\0\0"s)).database == "ann");
}

TEST_CASE("a startup packet without a user is refused in PostgreSQL's words") {
  for (const std::string& parameters : {""s, "user\0\0"s, "database\0shop\0"s}) {
    const PgError error = read_bad(startup(parameters));
    CHECK(error.sqlstate == "28000");
    CHECK(error.message == "no PostgreSQL user name specified in startup packet");
  }
}

TEST_CASE("parameters pass in their order, known or not, and options are not taken apart") {
  const StartupMessage message = read_good(startup(
      "options\0-c a=b\\ c --d=e\0user\0ann\0neon_thing\0\x31\0DateStyle\0ISO\0a\0twice\0a\0again\0"s));
  CHECK(message.parameters == StartupParameters{{"options", "-c a=b\\ c --d=e"},
                                                {"neon_thing", "1"},
                                                {"DateStyle", "ISO"},
                                                {"a", "twice"},
                                                {"a", "again"}});
}

TEST_CASE("protocol options are kept apart from parameters") {
  const StartupMessage message = read_good(startup("_pq_.x\0\x31\0user\0ann\0_pq_.y\0\0"s, 3 << 16 | 9999));
  CHECK(message.version == (3 << 16 | 9999));
  CHECK(message.unknown_options == std::vector<std::string>{"_pq_.x", "_pq_.y"});
  CHECK(message.parameters.empty());
}

TEST_CASE("replication is read as PostgreSQL reads it") {
  const auto read = [](const std::string& value) {
    return read_good(startup("user\0ann\0replication\0"s + value + "\0"s)).replication;
  };
  CHECK(read("database") == Replication::logical);
  for (const char* yes : {"true", "TRUE", "t", "on", "1", "yes", "y"})
    CHECK(read(yes) == Replication::physical);
  for (const char* no : {"false", "f", "off", "of", "0", "no", "n"}) CHECK(read(no) == Replication::none);
  for (const char* bad : {"", "o", "2", "truer", "Database"})
    CHECK(read_bad(startup("user\0ann\0replication\0"s + bad + "\0"s)).sqlstate == "22023");
}

TEST_CASE("a startup packet of a broken layout is refused") {
  const std::string version = int32(3 << 16);
  for (const std::string& body : {
           version,                               // no terminator
           version + "user\0ann\0"s,              // no terminator behind a parameter
           version + "user\0ann"s,                // text without its end
           version + "user\0ann\0database\0"s,    // a name without its value
           version + "user\0ann\0\0\0"s,          // two terminators
           version + "user\0ann\0\0more\0x\0\0"s  // something behind the terminator
       }) {
    const PgError error = read_bad(untyped(body));
    CHECK(error.sqlstate == "08P01");
    CHECK(error.message == "invalid startup packet layout: expected terminator as last byte");
  }
}

TEST_CASE("a length that no client sends is refused as soon as it is there") {
  for (const std::int64_t length :
       {0LL, 1LL, 3LL, 4LL, 7LL, 10005LL, 0x7fffffffLL, 0x80000000LL, 0xffffffffLL})
    CHECK(is_invalid(int32(length)));
  CHECK(is_invalid("GET / HTTP/1.1\r\n\r\n"));
  CHECK(is_invalid("\x16\x03\x01\x02"));  // a TLS ClientHello
}

TEST_CASE("the longest startup packet is PostgreSQL's") {
  const std::string head = "user\0ann\0x\0"s;
  const std::string longest = startup(head + std::string(10000 - 4 - 1 - head.size() - 1, 'v') + "\0"s);
  CHECK(longest.size() == 10004);
  CHECK(read_good(longest).parameters.front().second.size() == 9983);
}

TEST_CASE("other majors are refused in PostgreSQL's words") {
  const PgError error = read_bad(startup("user\0ann\0"s, 2 << 16));
  CHECK(error.sqlstate == "0A000");
  CHECK(error.message == "unsupported frontend protocol 2.0: server supports 3.0 to 3.2");
  CHECK(read_bad(startup("user\0ann\0"s, 4 << 16 | 1)).message ==
        "unsupported frontend protocol 4.1: server supports 3.0 to 3.2");
  CHECK(read_bad(startup("user\0ann\0"s, 0xffff0000)).sqlstate == "0A000");
}

TEST_CASE("requests for encryption are read at every cut") {
  CHECK(std::holds_alternative<SslRequest>(read_at_every_cut(ssl_request)));
  CHECK(std::holds_alternative<GssEncRequest>(read_at_every_cut(gssenc_request)));
  CHECK(is_invalid(untyped(int32(ssl_request_code) + "x")));
}

TEST_CASE("cancel requests have keys of 4 to 256 bytes") {
  for (const std::size_t size : {4U, 32U, 256U}) {
    const std::string key(size, 'k');
    std::string packet;
    write_cancel_request(packet, -7, key);
    CHECK(packet == untyped(int32(cancel_request_code) + int32(-7) + key));
    const StartupPacket read = read_at_every_cut(packet);
    REQUIRE(std::holds_alternative<CancelRequest>(read));
    CHECK(std::get<CancelRequest>(read).process_id == -7);
    CHECK(std::get<CancelRequest>(read).secret == key);
  }
  for (const std::size_t size : {0U, 3U, 257U})
    CHECK(is_invalid(untyped(int32(cancel_request_code) + int32(1) + std::string(size, 'k'))));
  CHECK(is_invalid(untyped(int32(cancel_request_code) + "abc")));
}

TEST_CASE("what is written is what is read") {
  std::string packet;
  write_startup_message(packet, protocol_3_2,
                        {{"user", "ann"}, {"database", "shop"}, {"application_name", ""}});
  CHECK(packet == startup("user\0ann\0database\0shop\0application_name\0\0"s, protocol_3_2));
  CHECK(read_good(packet).version == protocol_3_2);
  packet.clear();
  write_ssl_request(packet);
  CHECK(packet == ssl_request);
}

}  // namespace ballast
