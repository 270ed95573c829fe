// Rows of connections: one for each client and server.
#include <algorithm>
#include <array>
#include <unordered_map>
#include <utility>

#include "proxy/app/console_rows.hpp"
#include "proxy/pool/statement_table.hpp"

namespace ballast {

namespace {

using ClientState = ClientFigures::State;
using ServerState = ServerFigures::State;

// PgBouncer gives addresses in memory, which are nobody's business.
std::string client_name(std::uint64_t id) { return id == 0 ? "" : "C-" + std::to_string(id); }
std::string server_name_of(std::uint64_t id) { return id == 0 ? "" : "S-" + std::to_string(id); }

std::string_view replication(const PoolKey& key) {
  switch (key.replication) {
    case Replication::none:
      return "none";
    case Replication::logical:
      return "logical";
    case Replication::physical:
      return "physical";
  }
  return {};
}

std::string_view name_of(ClientState state) {
  switch (state) {
    case ClientState::login:
      return "login";
    case ClientState::idle:
      return "idle";
    case ClientState::waiting:
      return "waiting";
    case ClientState::active:
      return "active";
    case ClientState::cancel:
      break;
  }
  return "active_cancel_req";
}

std::string_view name_of(ServerState state) {
  switch (state) {
    case ServerState::active:
      return "active";
    case ServerState::listening:
      return "listening";
    case ServerState::idle:
      return "idle";
    case ServerState::rested:
      return "used";
    case ServerState::tested:
      return "tested";
    case ServerState::being_canceled:
      break;
  }
  return "being_canceled";
}

Cell name_or(const std::string& name, std::string_view none) { return text(name.empty() ? none : name); }

Row client_row(const ConsoleFigures& figures, const ClientFigures& client, std::string_view state) {
  using namespace std::chrono;
  const auto wait = duration_cast<microseconds>(client.wait);
  return {text("C"),
          name_or(client.key.user, "(nouser)"),
          name_or(client.key.database, "(nodb)"),
          text(replication(client.key)),
          text(state),
          text(client.stream.address),
          number(client.stream.port),
          text(client.stream.local_address),
          number(client.stream.local_port),
          time_text(figures, client.connected_at),
          time_text(figures, client.asked_at),
          number(duration_cast<seconds>(wait).count()),
          number((wait % seconds(1)).count()),
          number(0),
          text(client_name(client.id)),
          text(server_name_of(client.server)),
          number(client.stream.peer_pid),
          text(client.stream.tls),
          text(client.application_name),
          number(client.statements),
          number(client.id)};
}

Row server_row(const ConsoleFigures& figures, const ServerFigures& server, const ClientFigures* client,
               std::string_view state) {
  return {text("S"),
          text(server.key.user),
          text(server.key.database),
          text(replication(server.key)),
          text(state),
          text(server.stream.address),
          number(server.stream.port),
          text(server.stream.local_address),
          number(server.stream.local_port),
          time_text(figures, server.connected_at),
          time_text(figures, client != nullptr ? client->asked_at : server.since),
          number(0),
          number(0),
          number(server.is_retired ? 1 : 0),
          text(server_name_of(server.id)),
          text(client != nullptr ? client_name(client->id) : ""),
          number(server.process_id),
          text(server.stream.tls),
          text(client != nullptr ? client->application_name : ""),
          number(server.statements),
          number(server.id)};
}

// Who has which server.
class Links {
 public:
  explicit Links(const ConsoleFigures& figures) {
    for (const ClientFigures& client : figures.clients) {
      if (client.server != 0) clients_.emplace(client.server, &client);
    }
  }
  const ClientFigures* of(const ServerFigures& server) const {
    const auto found = clients_.find(server.id);
    return found == clients_.end() ? nullptr : found->second;
  }

 private:
  std::unordered_map<std::uint64_t, const ClientFigures*> clients_;
};

// Of buffers, which are PgBouncer's.
Row with_positions(Row row) {
  constexpr std::size_t positions = 7;
  row.insert(row.end(), positions, number(0));
  return row;
}

std::string reasons(ResidueSet pins) {
  constexpr std::array<std::pair<Residue, std::string_view>, 9> names{{
      {Residue::settings, "settings"},
      {Residue::advisory_locks, "advisory_locks"},
      {Residue::temp_objects, "temp_objects"},
      {Residue::hold_cursors, "hold_cursors"},
      {Residue::prepared, "prepared"},
      {Residue::listening, "listening"},
      {Residue::unseen, "unseen"},
      {Residue::anything, "unknown"},
      {Residue::random_seed, "random_seed"},
  }};
  std::string list;
  for (const auto& [residue, name] : names) {
    if (pins.has(residue)) list += (list.empty() ? "" : ", ") + std::string(name);
  }
  return list;
}

}  // namespace

Rows client_rows(const ConsoleFigures& figures) {
  Rows rows;
  for (const ClientFigures& client : figures.clients) {
    if (client.state != ClientState::login)
      rows.push_back(client_row(figures, client, name_of(client.state)));
  }
  return rows;
}

Rows server_rows(const ConsoleFigures& figures) {
  const Links links(figures);
  Rows rows;
  for (const ServerFigures& server : figures.servers)
    rows.push_back(server_row(figures, server, links.of(server), name_of(server.state)));
  return rows;
}

// ACTIVE_SOCKETS: those that are at work.
Rows socket_rows(const ConsoleFigures& figures, Show show) {
  const Links links(figures);
  const bool is_all = show == Show::sockets;
  Rows rows;
  for (const ClientFigures& client : figures.clients) {
    if (!is_all && client.state == ClientState::idle) continue;
    const std::string state = "cl_" + std::string(name_of(client.state));
    rows.push_back(with_positions(client_row(figures, client, state)));
  }
  for (const ServerFigures& server : figures.servers) {
    if (!is_all && (server.state == ServerState::idle || server.state == ServerState::rested)) continue;
    const std::string state = "sv_" + std::string(name_of(server.state));
    rows.push_back(with_positions(server_row(figures, server, links.of(server), state)));
  }
  return rows;
}

// Neither keys for cancel requests nor what passwords are made of leave the process.
Rows descriptor_rows(const ConsoleFigures& figures) {
  const Links links(figures);
  std::unordered_map<std::uint64_t, int> fd_of_server;
  for (const ServerFigures& server : figures.servers) fd_of_server.emplace(server.id, server.stream.fd);
  Rows rows;
  for (const StreamFigures& door : figures.doors) {
    rows.push_back({number(door.fd), text("pooler"), null, null, text(door.address), number(door.port),
                    number(0), number(0), null, null, null, null, null, null, null});
  }
  const auto add = [&rows](std::string_view task, const PoolKey& key, const StreamFigures& stream, int link) {
    rows.push_back({number(stream.fd), text(task), text(key.user), text(key.database), text(stream.address),
                    number(stream.port), number(0), number(link), null, null, null, null, null, null, null});
  };
  for (const ClientFigures& client : figures.clients) {
    const auto found = fd_of_server.find(client.server);
    add("client", client.key, client.stream, found == fd_of_server.end() ? 0 : found->second);
  }
  for (const ServerFigures& server : figures.servers) {
    const ClientFigures* const client = links.of(server);
    add("server", server.key, server.stream, client != nullptr ? client->stream.fd : 0);
  }
  return rows;
}

Rows pin_rows(const ConsoleFigures& figures) {
  Rows rows;
  for (const ClientFigures& client : figures.clients) {
    if (client.pins.empty()) continue;
    rows.push_back({text(client.key.database), text(client.key.user), text(client.application_name),
                    number(client.id), number(client.server), text(reasons(client.pins)),
                    time_text(figures, client.asked_at)});
  }
  return rows;
}

Rows prepared_rows(const ConsoleFigures& figures) {
  Rows rows;
  for (const StatementFigures& statement : figures.statements)
    rows.push_back({text(server_name(statement.id)), number(statement.holders), text(statement.text)});
  return rows;
}

}  // namespace ballast
