#include "proxy/pool/server_residue.hpp"

#include <doctest/doctest.h>

namespace ballast {
namespace {

const ResidueSet visible = Residue::settings | Residue::advisory_locks | Residue::temp_objects |
                           Residue::hold_cursors | Residue::prepared | Residue::listening;

}  // namespace

TEST_CASE("a server that nobody has used for anything is clean") {
  ServerResidue residue;
  CHECK(residue.is_clean());
  CHECK_FALSE(residue.needs_audit());
  residue.suspect({});
  residue.suspect(Residue::sequence_use | Residue::sequence_read);  // no audit knows of them
  CHECK(residue.is_clean());
}

TEST_CASE("what is suspected is asked for once, and is not clean before the answer") {
  ServerResidue residue;
  residue.suspect(Residue::settings);
  residue.suspect(Residue::temp_objects);
  CHECK(residue.needs_audit());
  CHECK_FALSE(residue.is_clean());
  CHECK(residue.begin_audit() == (Residue::settings | Residue::temp_objects));
  CHECK(residue.asked(Residue::settings));
  CHECK_FALSE(residue.asked(Residue::prepared));
  CHECK_FALSE(residue.needs_audit());
  CHECK_FALSE(residue.is_clean());
  residue.found({});
  CHECK(residue.is_clean());
  CHECK_FALSE(residue.asked(Residue::settings));
}

TEST_CASE("anything is all that an audit can see") {
  ServerResidue residue;
  residue.suspect(Residue::anything);
  CHECK(residue.begin_audit() == (visible | Residue::anything));
  CHECK(residue.asked(Residue::anything));
}

TEST_CASE("what is found pins until an audit that asks for it finds it gone") {
  ServerResidue residue;
  residue.suspect(Residue::advisory_locks | Residue::temp_objects);
  residue.begin_audit();
  residue.found(Residue::advisory_locks | Residue::temp_objects);
  CHECK(residue.pins() == (Residue::advisory_locks | Residue::temp_objects));
  residue.suspect(Residue::advisory_locks);
  residue.begin_audit();
  residue.found({});
  CHECK(residue.pins() == Residue::temp_objects);  // nobody asked for those
  residue.suspect(Residue::anything);
  residue.begin_audit();
  residue.found({});
  CHECK(residue.is_clean());
}

TEST_CASE("what is suspected while an audit is under way is asked for by the next one") {
  ServerResidue residue;
  residue.suspect(Residue::settings);
  residue.begin_audit();
  residue.suspect(Residue::settings | Residue::prepared);
  residue.found({});
  CHECK_FALSE(residue.is_clean());
  CHECK(residue.begin_audit() == (Residue::settings | Residue::prepared));
}

TEST_CASE("what no audit can see pins at once and for good") {
  ServerResidue residue;
  residue.suspect(Residue::unseen);
  CHECK_FALSE(residue.needs_audit());
  CHECK(residue.pins() == Residue::unseen);
  CHECK(residue.is_indelible());
  residue.suspect(Residue::anything);
  residue.begin_audit();
  residue.found({});
  CHECK(residue.is_indelible());
}

TEST_CASE("an audit that failed pins for what it asked, which the next request has asked again") {
  ServerResidue residue;
  residue.suspect(Residue::settings);
  residue.begin_audit();
  residue.audit_failed();
  CHECK(residue.is_pinned());
  CHECK(residue.unknown() == Residue::settings);
  CHECK_FALSE(residue.is_clean());
  CHECK_FALSE(residue.is_indelible());  // DISCARD ALL takes it away
  CHECK_FALSE(residue.needs_audit());   // not at once: it might fail for ever
  residue.suspect({});
  CHECK(residue.begin_audit() == Residue::settings);
  residue.audit_failed();
  residue.suspect(Residue::prepared);
  CHECK(residue.begin_audit() == (Residue::settings | Residue::prepared));
  residue.found(Residue::prepared);
  CHECK(residue.unknown().empty());
  CHECK(residue.pins() == Residue::prepared);
}

}  // namespace ballast
