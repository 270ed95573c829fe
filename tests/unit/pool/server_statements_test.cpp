#include "proxy/pool/server_statements.hpp"

#include <doctest/doctest.h>

namespace ballast {

using Presence = ServerStatements::Presence;

TEST_CASE("a statement is absent until it is prepared, and present for its own group at once") {
  ServerStatements statements;
  CHECK(statements.look_up(1, 5, 1) == Presence::absent);
  statements.preparing(1, 5, 1);
  CHECK(statements.may_be_there(1, 99));
  CHECK(statements.look_up(1, 5, 1) == Presence::present);
}

TEST_CASE("until its ParseComplete it is undecided for another group [5.2-39]") {
  ServerStatements statements;
  statements.preparing(1, 5, 1);
  CHECK(statements.look_up(1, 6, 1) == Presence::undecided);
  statements.confirmed(1);
  CHECK(statements.look_up(1, 6, 1) == Presence::present);
}

TEST_CASE("a Close is believed within its group, undecided in the next ones, and final when it is answered") {
  ServerStatements statements;
  statements.preparing(1, 4, 1);
  statements.confirmed(1);
  statements.closing(1, 5);
  CHECK(statements.look_up(1, 5, 1) == Presence::absent);
  CHECK(statements.look_up(1, 6, 1) == Presence::undecided);
  CHECK_FALSE(statements.may_be_there(1, 5));
  CHECK(statements.may_be_there(1, 6));
  statements.closed(1);
  CHECK(statements.look_up(1, 6, 1) == Presence::absent);
  CHECK(statements.size() == 0);
}

TEST_CASE("the answer to a Close does not take away what was parsed behind it") {
  ServerStatements statements;
  statements.preparing(1, 4, 1);
  statements.confirmed(1);
  statements.closing(1, 5);
  statements.preparing(1, 5, 2);
  statements.closed(1);
  CHECK(statements.look_up(1, 5, 2) == Presence::present);
}

TEST_CASE("what was parsed under an older schema is stale, as long as it is there [5.2-48]") {
  ServerStatements statements;
  statements.preparing(1, 5, 3);
  statements.confirmed(1);
  CHECK(statements.look_up(1, 6, 3) == Presence::present);
  CHECK(statements.look_up(1, 6, 2) == Presence::present);
  CHECK(statements.look_up(1, 6, 4) == Presence::stale);
  CHECK(statements.may_be_there(1, 99));
  statements.preparing(1, 7, 4);
  statements.confirmed(1);
  CHECK(statements.look_up(1, 8, 4) == Presence::present);
}

TEST_CASE("the victim is the least recently used, and only at the limit") {
  ServerStatements statements;
  CHECK_FALSE(statements.victim(0, 9));
  for (std::uint64_t id = 1; id <= 3; ++id) {
    statements.preparing(id, id, 1);
    statements.confirmed(id);
  }
  CHECK_FALSE(statements.victim(4, 9));
  CHECK(statements.victim(3, 9) == 1);
  statements.look_up(1, 8, 1);
  CHECK(statements.victim(3, 9) == 2);
  CHECK(statements.victim(1, 9) == 2);
}

TEST_CASE("what the same group uses, or what is not confirmed, is no victim [5.2-38]") {
  ServerStatements statements;
  statements.preparing(1, 1, 1);
  CHECK_FALSE(statements.victim(1, 2));  // its Parse may still be skipped
  statements.confirmed(1);
  CHECK(statements.victim(1, 2) == 1);
  statements.look_up(1, 2, 1);
  CHECK_FALSE(statements.victim(1, 2));  // a Bind to it is in the same batch
  CHECK(statements.victim(1, 3) == 1);
}

TEST_CASE("a Close that was skipped leaves the statement as it was") {
  ServerStatements statements;
  statements.preparing(1, 1, 7);
  statements.confirmed(1);
  statements.closing(1, 1);
  CHECK_FALSE(statements.victim(1, 2));
  statements.restore(1);
  CHECK(statements.may_be_there(1, 99));
  CHECK(statements.look_up(1, 2, 7) == Presence::present);
  CHECK(statements.victim(1, 3) == 1);
}

TEST_CASE("restoring what is there changes nothing") {
  ServerStatements statements;
  statements.preparing(1, 1, 7);
  statements.confirmed(1);
  statements.restore(1);
  CHECK(statements.size() == 1);
  CHECK(statements.look_up(1, 2, 7) == Presence::present);
}

TEST_CASE("confirming or closing what is not there is nothing") {
  ServerStatements statements;
  statements.confirmed(1);
  statements.closing(1, 1);
  statements.closed(1);
  statements.doubt(1);
  CHECK(statements.size() == 0);
}

TEST_CASE("DISCARD ALL clears everything but what was sent behind it [5.2-50]") {
  ServerStatements statements;
  for (std::uint64_t id = 1; id <= 10; ++id) {
    statements.preparing(id, 1, 1);
    if (id != 7) statements.confirmed(id);
  }
  CHECK(statements.size() == 10);
  statements.clear();
  CHECK(statements.size() == 1);
  CHECK(statements.look_up(5, 1, 1) == Presence::absent);
  CHECK(statements.look_up(7, 1, 1) == Presence::present);
}

TEST_CASE("preparing again moves to the front and waits for its answer anew") {
  ServerStatements statements;
  statements.preparing(1, 1, 1);
  statements.preparing(2, 1, 1);
  statements.confirmed(1);
  statements.confirmed(2);
  statements.preparing(1, 2, 1);
  CHECK(statements.size() == 2);
  CHECK(statements.look_up(1, 3, 1) == Presence::undecided);
  CHECK(statements.victim(2, 3) == 2);
}

}  // namespace ballast
