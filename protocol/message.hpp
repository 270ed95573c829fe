// Message types, limits and SQLSTATEs of the PostgreSQL frontend/backend protocol, version 3.
// Names are those of the PostgreSQL manual, chapter "Message Formats". Plain data: no state, any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace ballast {

// A typed message is one type byte, an Int32 length that counts itself but not the type byte, and the body.
inline constexpr std::size_t header_size = 5;
// PostgreSQL's PQ_LARGE_MESSAGE_LIMIT (MaxAllocSize - 1): the greatest length word that a server accepts.
inline constexpr std::uint32_t max_message_length = 0x3ffffffe;
// PostgreSQL's MAX_STARTUP_PACKET_LENGTH.
inline constexpr std::uint32_t max_startup_packet_length = 10000;

enum class FrontendType : char {
  bind = 'B',
  close = 'C',
  copy_data = 'd',
  copy_done = 'c',
  copy_fail = 'f',
  describe = 'D',
  execute = 'E',
  flush = 'H',
  function_call = 'F',
  parse = 'P',
  password = 'p',  // also SASLInitialResponse, SASLResponse and GSSResponse
  query = 'Q',
  sync = 'S',
  terminate = 'X',
};

enum class BackendType : char {
  authentication = 'R',
  backend_key_data = 'K',
  bind_complete = '2',
  close_complete = '3',
  command_complete = 'C',
  copy_data = 'd',
  copy_done = 'c',
  copy_in_response = 'G',
  copy_out_response = 'H',
  copy_both_response = 'W',
  data_row = 'D',
  empty_query_response = 'I',
  error_response = 'E',
  function_call_response = 'V',
  negotiate_protocol_version = 'v',
  no_data = 'n',
  notice_response = 'N',
  notification_response = 'A',
  parameter_description = 't',
  parameter_status = 'S',
  parse_complete = '1',
  portal_suspended = 's',
  ready_for_query = 'Z',
  row_description = 'T',
};

// The status byte of ReadyForQuery.
enum class TransactionStatus : char { idle = 'I', in_transaction = 'T', failed = 'E' };

// AuthenticationRequest codes, the Int32 that opens the body of 'R'.
enum class AuthenticationCode : std::int32_t {
  ok = 0,
  cleartext_password = 3,
  md5_password = 5,
  sasl = 10,
  sasl_continue = 11,
  sasl_final = 12,
};

struct Header {
  char type;
  std::uint32_t length;  // as on the wire: counts itself, so at least 4
  std::size_t total() const { return std::size_t{length} + 1; }
  std::size_t body_size() const { return std::size_t{length} - 4; }
};

// Reads the header at the front of `bytes`; the caller has made sure that header_size bytes are there.
// The length is untrusted: see valid().
inline Header read_header(const char* bytes) {
  const auto at = [bytes](int i) { return static_cast<std::uint32_t>(static_cast<unsigned char>(bytes[i])); };
  return {bytes[0], at(1) << 24 | at(2) << 16 | at(3) << 8 | at(4)};
}
inline bool valid(const Header& header) { return header.length >= 4 && header.length <= max_message_length; }

}  // namespace ballast
