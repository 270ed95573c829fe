#include "proxy/pool/server_residue.hpp"

#include <utility>

namespace ballast {

namespace {
// What an audit can see.
constexpr ResidueSet visible = Residue::settings | Residue::advisory_locks | Residue::temp_objects |
                               Residue::hold_cursors | Residue::prepared | Residue::listening;
}  // namespace

void ServerResidue::suspect(ResidueSet kinds) {
  there_ |= kinds & Residue::unseen;
  is_seeded_ = is_seeded_ || kinds.has(Residue::random_seed);
  if (kinds.has(Residue::anything)) kinds |= visible;
  suspected_ |= (kinds & (visible | Residue::anything)) | unknown_;
}

ResidueSet ServerResidue::begin_audit() {
  asked_ = std::exchange(suspected_, {});
  return asked_;
}

void ServerResidue::found(ResidueSet residue) {
  there_ = (there_ - asked_) | (residue - Residue::random_seed);
  is_seeded_ = is_seeded_ || residue.has(Residue::random_seed);
  unknown_ -= asked_;
  asked_ = {};
}

void ServerResidue::forget_all() {
  const bool is_seeded = is_seeded_;
  *this = {};
  is_seeded_ = is_seeded;
}

void ServerResidue::audit_failed() {
  unknown_ |= asked_;
  asked_ = {};
}

}  // namespace ballast
