// TlsSessionStore: the last session that one server gave us, to be offered in the next handshake with it
// (RFC 8446 section 2.2). It spares both sides the certificate's signature. Confined to the connector's
// thread.
#pragma once

#include <memory>

struct ssl_session_st;

namespace ballast {

class TlsSessionStore {
 public:
  void keep(ssl_session_st* session) { session_.reset(session); }  // takes it over
  void drop() { session_.reset(); }
  ssl_session_st* get() const { return session_.get(); }

 private:
  struct Free {
    void operator()(ssl_session_st* session) const;
  };
  std::unique_ptr<ssl_session_st, Free> session_;
};

}  // namespace ballast
