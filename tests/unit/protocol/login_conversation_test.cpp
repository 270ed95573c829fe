// ClientLogin and ServerLogin, talking to each other.
#include <string>

#include <doctest/doctest.h>

#include "protocol/client_login.hpp"
#include "protocol/md5_password.hpp"
#include "protocol/server_login.hpp"

#include "tests/unit/protocol/wire.hpp"

namespace ballast {
namespace {

using namespace wire;

const std::string binding = "hash of the certificate";

struct OneUser : SecretSource {
  UserSecret secret;
  const UserSecret* find(std::string_view user) override { return user == "ann" ? &secret : nullptr; }
};

enum class Wire { plain, tls };

struct Outcome {
  ClientLogin::Step client_step = ClientLogin::Step::need_more;
  ServerLogin::Step server_step = ServerLogin::Step::need_more;
  std::string client_key;
  PgError error;
  StartupParameters parameters;
};

// Pieces of at most `piece` bytes go to and fro until one side is done and the other has heard of it.
Outcome converse(LoginMethod method, Wire wire, const ServerLoginRequest& request, OneUser& users,
                 std::size_t piece) {
  ClientLoginPolicy policy;
  policy.method = method;
  policy.mock_key = "mock key";
  policy.mock_iterations = 1;
  ClientLogin backend(policy, users, fill_counting);
  if (wire == Wire::tls) backend.tls_started(binding, "ann");
  ServerLogin frontend(request, nullptr, fill_counting);

  Outcome end;
  std::string to_backend, to_frontend, answer;
  frontend.start(to_backend);
  Line backend_line(backend, piece, piece);
  Line frontend_line(frontend, piece, piece);
  while (end.server_step == ServerLogin::Step::need_more && !(to_backend.empty() && to_frontend.empty())) {
    if (!to_backend.empty()) {
      end.client_step = backend_line.send(to_backend, to_frontend);
      to_backend.clear();
      if (end.client_step == ClientLogin::Step::authenticated)
        to_frontend +=
            message('S', "server_version\0\x31\x35\0"s) + message('K', int32(7) + "key!") + message('Z', "I");
    }
    end.server_step = frontend_line.send(to_frontend, to_backend);
    to_frontend.clear();
  }
  end.client_key = backend.client_key();
  end.error = frontend.error();
  end.parameters = frontend.parameters();
  return end;
}

ServerLoginRequest request_of(Wire wire, const std::string& user) {
  ServerLoginRequest request;
  request.password = "pencil";
  request.user = user;
  request.parameters = {{"user", user}, {"database", "shop"}};
  if (wire == Wire::tls) {
    request.is_tls = true;
    request.tls_verified = true;
    request.channel_binding = binding;
  }
  return request;
}

constexpr std::size_t pieces[] = {1, 2, 3, 5, 7, 64, 1 << 20};

}  // namespace

TEST_CASE("both logins understand each other, by every method and in pieces of every kind") {
  OneUser users;
  users.secret = {"pencil", md5_secret("pencil", "ann"), make_scram_secret("pencil", "salt", 1)};
  struct Case {
    LoginMethod method;
    Wire wire;
  };
  for (const auto& [method, wire] :
       {Case{LoginMethod::trust, Wire::plain}, Case{LoginMethod::md5, Wire::plain},
        Case{LoginMethod::scram_sha_256, Wire::plain}, Case{LoginMethod::trust, Wire::tls},
        Case{LoginMethod::plain, Wire::tls}, Case{LoginMethod::md5, Wire::tls},
        Case{LoginMethod::scram_sha_256, Wire::tls}, Case{LoginMethod::cert, Wire::tls}}) {
    for (const std::size_t piece : pieces) {
      const Outcome end = converse(method, wire, request_of(wire, "ann"), users, piece);
      CHECK(end.client_step == ClientLogin::Step::authenticated);
      CHECK(end.server_step == ServerLogin::Step::ready);
      CHECK(end.parameters == StartupParameters{{"server_version", "15"}});
      CHECK(end.client_key.size() == (method == LoginMethod::scram_sha_256 ? scram_key_size : 0));
    }
  }
}

TEST_CASE("both logins agree that a password is wrong, or a user unknown") {
  OneUser users;
  users.secret = {"pen", md5_secret("pen", "ann"), make_scram_secret("pen", "salt", 1)};
  for (const LoginMethod method : {LoginMethod::plain, LoginMethod::md5, LoginMethod::scram_sha_256}) {
    for (const char* user : {"ann", "bob"}) {
      const Outcome end = converse(method, Wire::tls, request_of(Wire::tls, user), users, 1 << 20);
      CHECK(end.client_step == ClientLogin::Step::failed);
      CHECK(end.server_step == ServerLogin::Step::failed);
      CHECK(end.error.sqlstate == "28P01");
      CHECK(end.error.message == "password authentication failed for user \""s + user + "\"");
    }
  }
}

TEST_CASE("the key of one login opens the next server, whose secret is the same") {
  OneUser users;
  users.secret.scram = make_scram_secret("pencil", "salt", 1);
  const Outcome first =
      converse(LoginMethod::scram_sha_256, Wire::tls, request_of(Wire::tls, "ann"), users, 1 << 20);
  ServerLoginRequest request = request_of(Wire::tls, "ann");
  request.password.clear();
  request.keys = {first.client_key, users.secret.scram->server_key};
  request.channel_binding_policy = ChannelBindingPolicy::require;
  CHECK(converse(LoginMethod::scram_sha_256, Wire::tls, request, users, 1).server_step ==
        ServerLogin::Step::ready);
}

TEST_CASE("channel_binding=require is kept by both sides or not at all") {
  OneUser users;
  users.secret = {"pencil", md5_secret("pencil", "ann"), make_scram_secret("pencil", "salt", 1)};
  for (const LoginMethod method :
       {LoginMethod::trust, LoginMethod::plain, LoginMethod::md5, LoginMethod::cert}) {
    ServerLoginRequest request = request_of(Wire::tls, "ann");
    request.channel_binding_policy = ChannelBindingPolicy::require;
    CHECK(converse(method, Wire::tls, request, users, 1).server_step == ServerLogin::Step::failed);
  }
}

}  // namespace ballast
