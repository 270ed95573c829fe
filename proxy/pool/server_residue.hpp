// ServerResidue: what the sessions that had a server may have left on it, and what is known to be there.
//
//   suspect(kinds)                      with each request that may leave something behind
//   begin_audit(), then found(residue)  when it is between transactions: what was asked, what is there
//
// While is_pinned(), the client keeps the server. What can travel (settings) pins nobody. Pure, one thread.
#pragma once

#include "proxy/sql/statement_effect.hpp"

namespace ballast {

class ServerResidue {
 public:
  void suspect(ResidueSet kinds);
  bool needs_audit() const { return !suspected_.empty(); }
  bool suspects(Residue kind) const { return suspected_.has(kind); }
  // The kinds to ask for. More may be suspected while the answer is on its way.
  ResidueSet begin_audit();
  // Is all known that there is to know?
  bool is_audited() const { return !needs_audit() && asked_.empty(); }
  bool asked(Residue kind) const { return asked_.has(kind); }
  void found(ResidueSet residue);
  // What was asked for is not known, or is nothing that could travel: it pins, and is asked for again behind
  // the next request.
  void audit_failed();

  // Queries of our own leave this there, and take it away again.
  void left(ResidueSet kinds) { there_ |= kinds; }
  void gone(ResidueSet kinds) { there_ -= kinds; }

  bool is_pinned() const { return !pins().empty(); }
  ResidueSet pins() const { return there_ | unknown_; }
  // Of these: not found, but asked for by an audit that failed.
  ResidueSet unknown() const { return unknown_; }
  // Nothing there and nothing suspected: anybody may have the server.
  bool is_clean() const { return !is_pinned() && is_audited(); }
  // random() is foreseeable, to whoever has seeded it. It outlives DISCARD ALL.
  bool is_seeded() const { return is_seeded_; }
  // The server starts anew, but for that.
  void forget_all();
  void forget_seed() { is_seeded_ = false; }
  // Something is there that no query of ours can take away.
  bool is_indelible() const { return there_.has(Residue::unseen); }

 private:
  ResidueSet suspected_;  // since the last audit
  ResidueSet asked_;      // by the audit under way
  ResidueSet there_;      // found by audits, or certain without one
  ResidueSet unknown_;    // by audits that failed
  bool is_seeded_ = false;
};

}  // namespace ballast
