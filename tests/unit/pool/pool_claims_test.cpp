// Who gets which server: the one that a client has claimed, one that nobody has, one that is new.
#include <chrono>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "tests/unit/pool/house.hpp"

namespace ballast {
namespace {

using namespace std::chrono_literals;

// A pool whose servers are all idle.
struct Yard : House {
  explicit Yard(int size, int connected) : House(with_size(size)) {
    std::vector<Client> clients(static_cast<std::size_t>(connected));
    for (Client& client : clients) client.ask(pool());
    while (connecting() > 0) ends.push_back(connect());
    for (Client& client : clients) {
      servers.push_back(client.server);
      client.give_back(pool());
    }
    CHECK(pool().idle_count() == servers.size());
  }
  // This client gets a server, claims it and gives it back.
  ServerConnection* claim(Client& client, std::uint64_t as) {
    client.ask(pool());
    REQUIRE(client.has_server());
    client.claim(as);
    ServerConnection* const server = client.server;
    client.give_back(pool());
    return server;
  }
  // The server that this client gets at once, if any; it goes back.
  ServerConnection* borrow(Client& client) {
    client.ask(pool());
    ServerConnection* const server = client.server;
    if (server != nullptr) client.give_back(pool());
    return server;
  }

  std::vector<ServerConnection*> servers;  // used last at the back
  std::vector<test::FarEnd> ends;          // of these
};

}  // namespace

// One's own -------------------------------------------------------------------------------------------------

TEST_CASE("a client finds the server again that it has claimed, whoever used others since") {
  Yard house(3, 3);
  Client claimer;
  Client other;
  ServerConnection* const own = house.claim(claimer, 7);
  CHECK(house.borrow(other) != own);
  CHECK(house.borrow(claimer) == own);
  CHECK(own->claimant() == 7);
}

TEST_CASE("each of several clients finds its own server again") {
  Yard house(2, 2);
  Client one;
  Client two;
  ServerConnection* const of_one = house.claim(one, 1);
  ServerConnection* const of_two = house.claim(two, 2);
  CHECK(of_one != of_two);
  CHECK(house.borrow(one) == of_one);
  CHECK(house.borrow(two) == of_two);
  CHECK(house.borrow(one) == of_one);
}

TEST_CASE("a client whose own server is in use gets one that nobody has claimed") {
  Yard house(2, 2);
  Client claimer;
  ServerConnection* const own = house.claim(claimer, 7);
  Client user;
  Client user_of_own;
  user.ask(house.pool());         // takes the unclaimed one
  user_of_own.ask(house.pool());  // and this the claimed one: there is no other
  CHECK(user_of_own.server == own);
  user.give_back(house.pool());
  CHECK(house.borrow(claimer) == house.servers.front());
}

TEST_CASE("a client finds its own server while others wait for new ones, in a full pool or not") {
  for (const int size : {3, 4}) {
    CAPTURE(size);
    Yard house(size, 2);
    Client one;
    Client two;
    Client other;
    house.claim(one, 1);
    ServerConnection* const of_two = house.claim(two, 2);
    other.ask(house.pool());
    CHECK(house.connecting() == 1);
    CHECK(house.borrow(two) == of_two);
    CHECK(house.connecting() == 1);
    CHECK(other.is_waiting());
  }
}

// Others' ---------------------------------------------------------------------------------------------------

TEST_CASE("others get servers that nobody has claimed, though a claimed one was used last") {
  Yard house(2, 2);
  Client claimer;
  Client other;
  ServerConnection* const own = house.claim(claimer, 7);
  for (int i = 0; i < 3; ++i) {
    ServerConnection* const got = house.borrow(other);
    CHECK(got != nullptr);
    CHECK(got != own);
  }
  CHECK(house.connecting() == 0);
}

TEST_CASE("if all are claimed a pool that may grow makes a new server, and the claimed one stays") {
  Yard house(2, 1);
  Client claimer;
  Client other;
  ServerConnection* const own = house.claim(claimer, 7);
  other.ask(house.pool());
  CHECK_FALSE(other.has_server());
  CHECK(house.connecting() == 1);
  CHECK(house.borrow(claimer) == own);
  house.connect();
  CHECK(other.has_server());
  CHECK(other.server != own);
}

TEST_CASE("if no more may be made others get the claimed server that was used least recently") {
  Yard house(2, 2);
  Client one;
  Client two;
  Client other;
  ServerConnection* const of_one = house.claim(one, 1);
  ServerConnection* const of_two = house.claim(two, 2);
  other.ask(house.pool());
  CHECK(other.server == of_one);
  CHECK_FALSE(other.is_waiting());
  CHECK(house.connecting() == 0);
  Client another;
  another.ask(house.pool());
  CHECK(another.server == of_two);
}

TEST_CASE("a claimed server that comes back serves those for whom no other is in the making") {
  Yard house(1, 1);
  Client claimer;
  Client other;
  claimer.ask(house.pool());
  claimer.claim(7);
  other.ask(house.pool());
  CHECK(other.is_waiting());
  claimer.give_back(house.pool());
  CHECK(other.server == house.servers.front());
}

TEST_CASE("a claimed server that comes back passes those who will get a new one, but for its own client") {
  Yard house(2, 1);
  Client claimer;
  Client other;
  claimer.ask(house.pool());
  claimer.claim(7);
  ServerConnection* const own = claimer.server;
  other.ask(house.pool());
  CHECK(house.connecting() == 1);
  claimer.give_back(house.pool());
  CHECK_FALSE(other.has_server());
  CHECK(house.pool().idle_count() == 1);
  house.connect();
  CHECK(other.has_server());
  CHECK(other.server != own);
}

TEST_CASE("who waits for a new server that can't be made gets a claimed one") {
  Yard house(2, 1);
  Client claimer;
  Client other;
  ServerConnection* const own = house.claim(claimer, 7);
  other.ask(house.pool());
  CHECK_FALSE(other.has_server());
  house.refuse_login("57P03", "the database system is starting up");
  CHECK(other.server == own);
  CHECK(other.refusals == 0);
  CHECK_FALSE(other.is_waiting());
}

TEST_CASE("a connect that fails serves no more clients than it leaves without a server in the making") {
  Yard house(4, 2);
  Client one;
  Client two;
  ServerConnection* const of_one = house.claim(one, 1);
  house.claim(two, 2);
  Client first;
  Client second;
  first.ask(house.pool());
  second.ask(house.pool());
  CHECK(house.connecting() == 2);
  house.refuse_login("57P03", "the database system is starting up");
  CHECK(first.server == of_one);
  CHECK(second.is_waiting());
  house.connect();
  CHECK(second.has_server());
  CHECK(second.server->claimant() == 0);
  CHECK(house.pool().idle_count() == 1);
}

TEST_CASE("while no connect may be tried again claimed servers do for everybody") {
  Yard house(2, 1);
  Client claimer;
  Client other;
  ServerConnection* const own = house.claim(claimer, 7);
  Client unlucky;
  unlucky.ask(house.pool());
  house.refuse_login("57P03", "the database system is starting up");
  CHECK(unlucky.server == own);
  unlucky.claim(8);
  unlucky.give_back(house.pool());
  CHECK(house.borrow(other) == own);
  CHECK(house.connecting() == 0);
}

// The end of a claim ----------------------------------------------------------------------------------------

TEST_CASE("a claim ends when another client gets the server") {
  Yard house(1, 1);
  Client claimer;
  Client other;
  ServerConnection* const own = house.claim(claimer, 7);
  CHECK(house.borrow(other) == own);
  CHECK(own->claimant() == 0);
}

TEST_CASE("a client that claims the server of another has it from then on") {
  Yard house(2, 2);
  Client one;
  Client two;
  ServerConnection* const first = house.claim(one, 1);
  ServerConnection* const second = house.claim(two, 2);
  Client thief;
  CHECK(house.claim(thief, 3) == first);
  CHECK(house.borrow(thief) == first);
  CHECK(house.borrow(two) == second);
  CHECK(first->claimant() == 3);
}

TEST_CASE("claims that are released leave their servers to everybody") {
  Yard house(2, 1);
  Client claimer;
  Client other;
  ServerConnection* const own = house.claim(claimer, 7);
  house.pool().release_claims(8);  // another's
  CHECK(own->claimant() == 7);
  house.pool().release_claims(7);
  CHECK(own->claimant() == 0);
  CHECK(house.borrow(other) == own);
  CHECK(house.connecting() == 0);
}

TEST_CASE("a claim of a server in use is released too") {
  Yard house(1, 1);
  Client claimer;
  claimer.ask(house.pool());
  claimer.claim(7);
  house.pool().release_claims(7);
  CHECK(claimer.server->claimant() == 0);
}

TEST_CASE("a claim goes with its server: the client gets another") {
  Yard house(1, 1);
  Client claimer;
  house.claim(claimer, 7);
  house.ends.front().close();
  house.fake.run();
  claimer.ask(house.pool());
  CHECK(claimer.is_waiting());
  house.connect();
  CHECK(claimer.has_server());
  CHECK(claimer.server->claimant() == 0);
}

// New servers -----------------------------------------------------------------------------------------------

TEST_CASE("who wants a fresh server gets none that another has had, if one can be made") {
  Yard house(2, 1);
  Client client;
  client.want_fresh();
  client.ask(house.pool());
  CHECK_FALSE(client.has_server());
  CHECK(house.connecting() == 1);
  house.connect();
  CHECK(client.has_server());
  CHECK(client.server != house.servers.front());
}

TEST_CASE("who wants a fresh server is passed by a used one that comes back meanwhile") {
  Yard house(2, 1);
  Client user;
  Client client;
  user.ask(house.pool());
  client.want_fresh();
  client.ask(house.pool());
  user.give_back(house.pool());
  CHECK_FALSE(client.has_server());
  house.connect();
  CHECK(client.has_server());
  CHECK(client.server != house.servers.front());
}

TEST_CASE("in a full pool an idle server makes room for the fresh one, the least recently used") {
  Yard house(2, 2);
  Client client;
  client.want_fresh();
  client.ask(house.pool());
  CHECK(house.connecting() == 1);
  CHECK(house.pool().server_count() == 1);
  house.fake.run();
  CHECK(house.ends.front().is_gone());
  CHECK_FALSE(house.ends.back().is_gone());
  house.connect();
  CHECK(client.has_server());
  CHECK(client.server != house.servers.back());
}

TEST_CASE("what makes room for the fresh one is nobody's claim, if there is another") {
  Yard house(2, 2);
  Client claimer;
  Client client;
  ServerConnection* const own = house.claim(claimer, 7);  // the one used last
  Client user;
  CHECK(house.borrow(user) != own);
  client.want_fresh();
  client.ask(house.pool());
  CHECK(house.borrow(claimer) == own);
}

TEST_CASE("nobody's claim makes room for the fresh one") {
  Yard house(1, 1);
  Client claimer;
  Client client;
  ServerConnection* const own = house.claim(claimer, 7);
  client.want_fresh();
  client.ask(house.pool());
  CHECK(client.server == own);
}

TEST_CASE("a claimed server outlives a change of its role's defaults, until its claim ends") {
  Yard house(2, 2);
  Client claimer;
  ServerConnection* const own = house.claim(claimer, 7);
  house.broker.defaults_changed();
  house.pass(100ms);
  CHECK(house.pool().server_count() == 1);
  CHECK(house.borrow(claimer) == own);
  house.pool().release_claims(7);
  house.pass(100ms);
  CHECK(house.pool().server_count() == 0);
}

TEST_CASE("who wants a fresh server gets the one that it has claimed, and a fresh one when that is lost") {
  Yard house(1, 1);
  Client claimer;
  ServerConnection* const own = house.claim(claimer, 7);
  claimer.want_fresh();
  CHECK(house.borrow(claimer) == own);
  Client other;
  CHECK(house.borrow(other) == own);
  claimer.ask(house.pool());
  CHECK_FALSE(claimer.has_server());
  CHECK(house.connecting() == 1);
}

TEST_CASE("in a full pool whose servers are in use any that comes back suits who wants a fresh one") {
  Yard house(1, 1);
  Client user;
  Client client;
  user.ask(house.pool());
  client.want_fresh();
  client.ask(house.pool());
  CHECK(house.connecting() == 0);
  user.give_back(house.pool());
  CHECK(client.server == house.servers.front());
}

TEST_CASE("who wants a fresh server that can't be made gets a used one") {
  Yard house(2, 1);
  Client client;
  client.want_fresh();
  client.ask(house.pool());
  house.refuse_login("57P03", "the database system is starting up");
  CHECK(client.server == house.servers.front());
  CHECK(client.refusals == 0);
}

TEST_CASE("a fresh server that is idle already is found among used ones") {
  Settings settings = with_size(2);
  settings.min_pool_size = 2;
  House house(settings);
  Client user;
  user.ask(house.pool());
  house.connect();
  house.pass(1s);  // fills the pool
  house.connect();
  CHECK(house.pool().idle_count() == 1);
  ServerConnection* const used = user.server;
  user.give_back(house.pool());  // used last, and so first for everybody else
  Client client;
  client.want_fresh();
  client.ask(house.pool());
  REQUIRE(client.has_server());
  CHECK(client.server != used);
  CHECK(house.connecting() == 0);
}

}  // namespace ballast
