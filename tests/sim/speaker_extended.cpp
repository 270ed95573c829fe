// The extended protocol and COPY.
#include "protocol/writer.hpp"

#include "tests/sim/speaker.hpp"

namespace ballast::sim {

namespace {
// Few texts, so that clients share them.
constexpr std::array<std::string_view, 9> texts{
    "SELECT $1", "ROWS 3 20 $1", "ROWS 7 40 $1", "SLEEP 3 $1", "BEGIN", "COMMIT", "ROLLBACK", "FAIL", ""};
constexpr std::array<std::string_view, 4> statement_names{"s1", "s2", "s3", "S_4"};
}  // namespace

// Mostly what takes the argument that a Bind mostly has.
std::string Speaker::statement_text() {
  if (dice_.percent(70)) return std::string(texts[dice_.between(std::size_t{0}, std::size_t{3})]);
  if (dice_.percent(10)) return dice_.percent(50) ? "nonsense" : "SELECT '1'; SELECT '2'";
  return std::string(dice_.pick(texts));
}

std::string Speaker::statement_name() { return std::string(dice_.pick(statement_names)); }

std::string Speaker::portal_name() { return dice_.percent(80) ? "" : dice_.percent(50) ? "p1" : "p2"; }

void Speaker::speak_unnamed() {
  if (!dice_.percent(25)) parse("", statement_text());
  if (dice_.percent(15)) describe('S', "");
  if (dice_.percent(15)) sync();
  const std::string portal = portal_name();
  bind(portal, "", dice_.percent(85) ? Argument::token : Argument::none);
  if (dice_.percent(40)) describe('P', portal);
  const bool in_parts = dice_.percent(20);
  execute(portal, in_parts ? dice_.between(1, 4) : 0);
  if (in_parts) {
    if (dice_.percent(50)) flush();
    execute(portal, 0);
  }
  if (dice_.percent(10)) close('P', portal);
  if (dice_.percent(5)) close('S', "");
  sync();
}

void Speaker::speak_named() {
  const std::string name = statement_name();
  if (dice_.percent(40)) parse(name, statement_text());
  if (dice_.percent(20)) describe('S', name);
  for (int left = dice_.between(0, 2); left > 0; --left) {
    const std::string portal = portal_name();
    bind(portal, name, dice_.percent(85) ? Argument::token : Argument::none);
    if (dice_.percent(20)) describe('P', portal);
    execute(portal, dice_.percent(15) ? dice_.between(1, 4) : 0);
  }
  if (dice_.percent(15)) close('S', statement_name());
  if (dice_.percent(8)) execute(portal_name(), 0);
  sync();
}

void Speaker::speak_pipeline() {
  for (int left = dice_.between(2, 6); left > 0; --left) {
    const int choice = dice_.between(0, 99);
    if (choice < 35) {
      speak_unnamed();
    } else if (choice < 75) {
      speak_named();
    } else if (choice < 90) {
      query(command());
    } else if (choice < 95) {
      sync();
    } else {
      speak_function();
    }
  }
}

// A batch that is sent in parts, each with a Flush at its end, and a Sync at last.
void Speaker::speak_flush() {
  const bool goes_on = is_batch_open_;
  is_batch_open_ = true;
  if (goes_on && dice_.percent(45)) {
    is_batch_open_ = false;
    return dice_.percent(90) ? sync() : query(command());
  }
  const std::string name = dice_.percent(50) ? "" : statement_name();
  const int choice = dice_.between(0, 99);
  if (choice < 40) {
    parse(name, statement_text());
    if (dice_.percent(50)) describe('S', name);
  } else if (choice < 80) {
    bind("", name, dice_.percent(90) ? Argument::token : Argument::none);
    execute("", dice_.percent(30) ? 1 : 0);
  } else if (choice < 90) {
    execute("", 0);
  } else {
    close('S', name);
  }
  if (dice_.percent(90)) flush();
}

// COPY --------------------------------------------------------------------------------------------

void Speaker::speak_copy_in(const Situation& situation) {
  copy_token_ = token();
  query("COPY IN '" + copy_token_ + "'");
  // Else when the server has said that it is ready.
  if (!situation.waits_for_answers || dice_.percent(50)) speak_copy_data(copy_token_);
}

// Ends the COPY in one way or another; sometimes too late for a server that has failed it already.
void Speaker::speak_copy_data(const std::string& token) {
  for (int left = dice_.between(0, 8); left > 0; --left) {
    const std::string_view end = dice_.percent(10) ? "bad" : "good";
    MessageWriter(out_, FrontendType::copy_data)
        .bytes(token + " row " + std::string(dice_.between(std::size_t{0}, std::size_t{200}), 'r'))
        .bytes(end);
    if (dice_.percent(5)) flush();
  }
  if (dice_.percent(80)) {
    simple_message(FrontendType::copy_done);
  } else {
    MessageWriter(out_, FrontendType::copy_fail).cstring("no more");
  }
  if (is_batch_open_) {
    sync();
    is_batch_open_ = false;
  }
}

void Speaker::speak_copy_in_extended(const Situation& situation) {
  copy_token_ = token();
  // A name of its own: nobody is to run this again by chance, and then not send the data.
  close('S', "copy");
  parse("copy", "COPY IN '" + copy_token_ + "'");
  bind("", "copy", Argument::none);
  if (dice_.percent(30)) describe('P', "");
  execute("", 0);
  const int choice = dice_.between(situation.waits_for_answers ? 0 : 1, 2);
  is_batch_open_ = true;
  if (choice == 0) return flush();  // the data follows when the server has said that it is ready
  if (choice == 1) sync();          // thrown away, if the COPY begins
  speak_copy_data(copy_token_);
}

}  // namespace ballast::sim
