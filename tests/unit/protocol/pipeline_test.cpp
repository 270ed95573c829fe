#include "protocol/pipeline.hpp"

#include <string>
#include <string_view>

#include <doctest/doctest.h>

namespace ballast {
namespace {

RequestKind kind_of(char letter) {
  switch (letter) {
    case 'Q':
      return RequestKind::query;
    case 'F':
      return RequestKind::function_call;
    case 'S':
      return RequestKind::sync;
    case 'P':
      return RequestKind::parse;
    case 'B':
      return RequestKind::bind;
    case 'D':
      return RequestKind::describe;
    case 'E':
      return RequestKind::execute;
    case 'C':
      return RequestKind::close;
    default:
      return RequestKind::copy_end;  // 'c', 'f'
  }
}

// A conversation in the type bytes of its messages: asked() with the frontend's, answered() with the
// backend's.
class Talk : private PipelineObserver {
 public:
  Pipeline pipeline{*this};
  std::string told;  // to the observer: "+7": statement 7 was answered, "-7": skipped, "!7": it failed itself

  Talk& asked(std::string_view letters, Answer answer = Answer::forward) {
    for (const char letter : letters) pipeline.add({.kind = kind_of(letter), .answer = answer});
    return *this;
  }
  // A Parse or Close of a statement that somebody wants to know about.
  Talk& asked_for(char letter, std::uint64_t statement, Answer answer = Answer::forward) {
    pipeline.add({.kind = kind_of(letter), .answer = answer, .statement = statement});
    return *this;
  }
  // A letter for each verdict: f forward, d drop, o ours, a async, ! violation. 'Z' is ReadyForQuery when
  // idle, 'z' within a transaction, '~' in a failed one.
  std::string answered(std::string_view letters) {
    std::string verdicts;
    for (const char letter : letters) {
      verdicts += letter_of(receive(letter));
    }
    return verdicts;
  }
  bool at_rest() const { return pipeline.at_rest(); }

 private:
  Pipeline::Verdict receive(char letter) {
    switch (letter) {
      case 'Z':
        return pipeline.receive_ready(TransactionStatus::idle);
      case 'z':
        return pipeline.receive_ready(TransactionStatus::in_transaction);
      case '~':
        return pipeline.receive_ready(TransactionStatus::failed);
      default:
        return pipeline.receive(static_cast<BackendType>(letter));
    }
  }
  static char letter_of(Pipeline::Verdict verdict) {
    switch (verdict) {
      case Pipeline::Verdict::forward:
        return 'f';
      case Pipeline::Verdict::drop:
        return 'd';
      case Pipeline::Verdict::ours:
        return 'o';
      case Pipeline::Verdict::async:
        return 'a';
      case Pipeline::Verdict::violation:
        break;
    }
    return '!';
  }
  void on_answered(const Request& request) override { told += "+" + std::to_string(request.statement); }
  void on_discarded(const Request& request) override {
    told += (request.has_failed ? "!" : "-") + std::to_string(request.statement);
  }
};

}  // namespace

TEST_CASE("a new pipeline is at rest and owes nothing") {
  Talk talk;
  CHECK(talk.at_rest());
  CHECK(talk.pipeline.queue_empty());
  CHECK(talk.pipeline.outstanding() == 0);
  CHECK(talk.pipeline.forwarding());
  CHECK_FALSE(talk.pipeline.expects_copy());
  CHECK(talk.pipeline.status() == TransactionStatus::idle);
}

// Simple queries --------------------------------------------------------------------------------------------

TEST_CASE("a simple query's answers are the client's, and ReadyForQuery ends it") {
  Talk talk;
  talk.asked("Q");
  CHECK_FALSE(talk.at_rest());
  CHECK(talk.answered("TDDC") == "ffff");
  CHECK_FALSE(talk.at_rest());
  CHECK(talk.answered("Z") == "f");
  CHECK(talk.at_rest());
}

TEST_CASE("a query of several statements has several results and one ReadyForQuery [5.2-62]") {
  for (const std::string_view answers : {"TDCCTDC", "TDCE", "C", "I", "E", "TE", "CTDHddcCC", "CE"}) {
    CAPTURE(answers);
    Talk talk;
    talk.asked("Q");
    CHECK(talk.answered(answers) == std::string(answers.size(), 'f'));
    CHECK_FALSE(talk.at_rest());
    CHECK(talk.answered("Z") == "f");
    CHECK(talk.at_rest());
  }
}

TEST_CASE("each of several pipelined queries has its ReadyForQuery") {
  Talk talk;
  talk.asked("QQQ");
  CHECK(talk.pipeline.outstanding() == 3);
  CHECK(talk.answered("CZ") == "ff");
  CHECK(talk.pipeline.outstanding() == 2);
  CHECK(talk.answered("EZ") == "ff");
  CHECK_FALSE(talk.at_rest());
  CHECK(talk.answered("TDCZ") == "ffff");
  CHECK(talk.at_rest());
}

TEST_CASE("the status is that of the last ReadyForQuery") {
  Talk talk;
  talk.asked("QQQ").answered("Cz");
  CHECK(talk.pipeline.status() == TransactionStatus::in_transaction);
  talk.answered("E~");
  CHECK(talk.pipeline.status() == TransactionStatus::failed);
  talk.answered("CZ");
  CHECK(talk.pipeline.status() == TransactionStatus::idle);
}

TEST_CASE("a query of ours in front of the client's is dropped, the client's is not") {
  Talk talk;
  talk.asked("Q", Answer::drop).asked("Q");
  CHECK_FALSE(talk.pipeline.forwarding());
  CHECK(talk.answered("TDCTDCZ") == "ddddddd");
  CHECK(talk.pipeline.forwarding());
  CHECK(talk.answered("TDCZ") == "ffff");
  CHECK(talk.at_rest());
}

TEST_CASE("an error of a query of ours is ours, and its ReadyForQuery is dropped") {
  Talk talk;
  talk.asked("Q", Answer::drop).asked("Q");
  CHECK(talk.answered("EZ") == "od");
  CHECK(talk.answered("EZ") == "ff");
  CHECK(talk.at_rest());
}

TEST_CASE("a function call has its response and ReadyForQuery [5.2-60]") {
  Talk talk;
  talk.asked("FF");
  CHECK(talk.answered("VZ") == "ff");
  CHECK(talk.answered("EZ") == "ff");
  CHECK(talk.at_rest());
  talk.asked("Q");
  CHECK(talk.answered("V") == "!");
}

// Extended queries ------------------------------------------------------------------------------------------

TEST_CASE("an extended batch is answered message by message") {
  Talk talk;
  talk.asked("PBDES");
  CHECK(talk.pipeline.outstanding() == 5);
  CHECK(talk.answered("12TDDC") == "ffffff");
  CHECK(talk.pipeline.outstanding() == 1);
  CHECK(talk.answered("Z") == "f");
  CHECK(talk.at_rest());
}

TEST_CASE("every end that an extended message can have is accepted") {
  struct Row {
    std::string_view asked;
    std::string_view answers;
  };
  for (const Row row :
       {Row{"DS", "tTZ"}, Row{"DS", "tnZ"}, Row{"DS", "TZ"}, Row{"DS", "nZ"}, Row{"ES", "IZ"},
        Row{"ES", "DDsZ"}, Row{"ES", "CZ"}, Row{"CS", "3Z"}, Row{"S", "Z"}, Row{"PDS", "1tnZ"},
        Row{"BEEES", "2DsDsCZ"}, Row{"EES", "HddcCCZ"}, Row{"SS", "ZZ"}}) {
    CAPTURE(row.asked);
    Talk talk;
    talk.asked(row.asked);
    CHECK(talk.answered(row.answers) == std::string(row.answers.size(), 'f'));
    CHECK(talk.at_rest());
  }
}

TEST_CASE("there are as many ReadyForQuery as Syncs [5.2-56]") {
  Talk talk;
  talk.asked("SSS");
  CHECK(talk.answered("ZZ") == "ff");
  CHECK_FALSE(talk.at_rest());
  CHECK(talk.answered("Z") == "f");
  CHECK(talk.at_rest());
  CHECK(talk.answered("Z") == "!");
}

TEST_CASE("a suspended portal goes on with the next Execute [5.2-54]") {
  Talk talk;
  talk.asked("PBE");
  CHECK(talk.answered("12DDs") == "fffff");
  talk.asked("E");
  CHECK(talk.answered("DC") == "ff");
  talk.asked("CS");
  CHECK(talk.answered("3Z") == "ff");
  CHECK(talk.at_rest());
}

TEST_CASE("a Parse of ours is dropped, the rest of the batch is the client's") {
  Talk talk;
  talk.asked("CP", Answer::drop).asked("BDES");
  CHECK(talk.answered("31") == "dd");
  CHECK(talk.answered("2TDCZ") == "fffff");
}

TEST_CASE("a Query behind extended messages without a Sync is answered after them [5.2-55]") {
  Talk talk;
  talk.asked("PBEQ");
  CHECK(talk.answered("12DC") == "ffff");
  CHECK_FALSE(talk.at_rest());
  CHECK(talk.answered("TDCZ") == "ffff");
  CHECK(talk.at_rest());
}

TEST_CASE("a batch without a Sync is not at rest, even when all its answers have come [5.2-57]") {
  for (const std::string_view batch : {"P", "B", "D", "E", "C", "PBDE"}) {
    CAPTURE(batch);
    Talk talk;
    talk.asked(batch);
    for (const char letter : batch) {
      talk.answered(letter == 'P'   ? "1"
                    : letter == 'B' ? "2"
                    : letter == 'D' ? "n"
                    : letter == 'E' ? "C"
                                    : "3");
    }
    CHECK(talk.pipeline.queue_empty());
    CHECK_FALSE(talk.at_rest());
    talk.asked("S");
    CHECK(talk.answered("Z") == "f");
    CHECK(talk.at_rest());
  }
}

TEST_CASE("a Flush between two halves of a batch changes nothing of what is owed") {
  Talk talk;
  talk.asked("PD");
  CHECK(talk.answered("1tn") == "fff");
  talk.asked("BE");
  CHECK(talk.answered("2C") == "ff");
  talk.asked("S");
  CHECK(talk.answered("Z") == "f");
  CHECK(talk.at_rest());
}

// Errors ----------------------------------------------------------------------------------------------------

TEST_CASE("an error skips everything up to the Sync, which is answered") {
  for (std::size_t good = 0; good < 4; ++good) {
    CAPTURE(good);
    const std::string_view answers = "12nC";
    Talk talk;
    talk.asked("PBDESQ");
    CHECK(talk.answered(answers.substr(0, good)) == std::string(good, 'f'));
    CHECK(talk.answered("EZ") == "ff");
    CHECK(talk.pipeline.outstanding() == 1);
    CHECK(talk.answered("CZ") == "ff");
    CHECK(talk.at_rest());
  }
}

TEST_CASE("an error skips what comes after it, until a Sync is sent") {
  Talk talk;
  talk.asked("PB");
  CHECK(talk.answered("E") == "f");
  CHECK(talk.pipeline.queue_empty());
  CHECK(talk.pipeline.skipping());
  CHECK_FALSE(talk.at_rest());
  talk.asked("EPBDC");
  CHECK(talk.pipeline.queue_empty());
  CHECK_FALSE(talk.at_rest());
  talk.asked("S");
  CHECK_FALSE(talk.pipeline.skipping());
  CHECK_FALSE(talk.at_rest());
  CHECK(talk.answered("Z") == "f");
  CHECK(talk.at_rest());
}

TEST_CASE("a Query or a function call inside a failed batch is skipped too [5.2-61]") {
  Talk talk;
  talk.asked("PQFS");
  CHECK(talk.answered("E") == "f");
  CHECK(talk.pipeline.outstanding() == 1);
  CHECK(talk.answered("Z") == "f");
  CHECK(talk.at_rest());

  talk.asked("P");
  CHECK(talk.answered("E") == "f");
  talk.asked("QF");
  CHECK(talk.pipeline.queue_empty());
  CHECK_FALSE(talk.at_rest());
  talk.asked("S");
  CHECK(talk.answered("Z") == "f");
  CHECK(talk.at_rest());
}

TEST_CASE("an error of a Sync leaves its ReadyForQuery to come") {
  Talk talk;
  talk.asked("PBESQ");
  CHECK(talk.answered("12C") == "fff");
  CHECK(talk.answered("EZ") == "ff");  // a deferred constraint fails at commit
  CHECK(talk.answered("CZ") == "ff");
  CHECK(talk.at_rest());
}

TEST_CASE("an error of a Parse that we put before the client's Bind is the client's [5.2-48]") {
  Talk talk;
  talk.asked_for('P', 9, Answer::drop).asked("BES");
  CHECK(talk.answered("EZ") == "ff");
  CHECK(talk.told == "!9");
  CHECK(talk.at_rest());
}

TEST_CASE("an error in one batch does not touch the next") {
  Talk talk;
  talk.asked("PBESPBES");
  CHECK(talk.answered("1EZ") == "fff");
  CHECK(talk.answered("12CZ") == "ffff");
  CHECK(talk.at_rest());
}

TEST_CASE("what is asked for behind an error is skipped with it") {
  Talk talk;
  talk.asked("B").answered("E");
  talk.asked_for('C', 4);
  CHECK(talk.told == "-4");
  talk.asked("S");
  CHECK(talk.answered("Z") == "f");
  CHECK(talk.at_rest());
}

// The observer ----------------------------------------------------------------------------------------------

TEST_CASE("each Parse and Close with a statement is told how it ended, in order [5.2-36]") {
  Talk talk;
  talk.asked_for('P', 1).asked_for('C', 2, Answer::drop).asked_for('P', 3).asked_for('P', 4);
  talk.asked_for('C', 5).asked("S").asked_for('P', 6).asked("S");
  CHECK(talk.answered("13") == "fd");
  CHECK(talk.told == "+1+2");
  CHECK(talk.answered("1") == "f");
  CHECK(talk.told == "+1+2+3");
  CHECK(talk.answered("E") == "f");
  CHECK(talk.told == "+1+2+3!4-5");
  CHECK(talk.answered("Z1Z") == "fff");
  CHECK(talk.told == "+1+2+3!4-5+6");
}

TEST_CASE("a Query with a statement is told at its ReadyForQuery, whether it succeeded or not") {
  for (const std::string_view answers : {"C", "E", "TDCE"}) {
    Talk talk;
    talk.asked_for('Q', 1);
    talk.answered(answers);
    CHECK(talk.told.empty());
    talk.answered("Z");
    CHECK(talk.told == "+1");
  }
  Talk skipped;
  skipped.asked("B").asked_for('Q', 1).asked("S");
  skipped.answered("E");
  CHECK(skipped.told == "-1");
}

TEST_CASE("what has no statement is told to nobody") {
  Talk talk;
  talk.asked("PBC").answered("123");
  talk.asked("P").answered("E");
  talk.asked("PC");
  CHECK(talk.told.empty());
}

TEST_CASE("the failing Parse itself is discarded, and so is what is sent behind it") {
  Talk talk;
  talk.asked_for('P', 1);
  CHECK(talk.answered("E") == "f");
  talk.asked_for('P', 2).asked_for('C', 3);
  CHECK(talk.told == "!1-2-3");
  talk.asked("S").asked_for('P', 4);
  CHECK(talk.answered("Z1") == "ff");
  CHECK(talk.told == "!1-2-3+4");
}

// COPY ------------------------------------------------------------------------------------------------------

TEST_CASE("COPY in by a simple query runs from CopyInResponse to CopyDone [5.3-63]") {
  Talk talk;
  talk.asked("Q");
  CHECK(talk.answered("G") == "f");
  CHECK(talk.pipeline.copying_in());
  CHECK(talk.pipeline.expects_copy());
  talk.asked("c");
  CHECK_FALSE(talk.pipeline.copying_in());
  CHECK(talk.answered("CZ") == "ff");
  CHECK(talk.at_rest());
  CHECK_FALSE(talk.pipeline.expects_copy());
}

TEST_CASE("COPY in with data, CopyDone and all in one flight [5.3-63]") {
  Talk talk;
  talk.asked("QcQ");
  CHECK(talk.answered("G") == "f");
  CHECK_FALSE(talk.pipeline.copying_in());
  CHECK(talk.answered("CZ") == "ff");
  CHECK(talk.answered("CZ") == "ff");
  CHECK(talk.at_rest());
}

TEST_CASE("CopyFail ends a COPY with an error [5.3-64]") {
  Talk talk;
  talk.asked("Q").answered("G");
  talk.asked("f");
  CHECK(talk.answered("EZ") == "ff");
  CHECK(talk.at_rest());
}

TEST_CASE("COPY out and a COPY of ours pass as their query does") {
  Talk talk;
  talk.asked("Q").asked("Q", Answer::drop);
  CHECK(talk.answered("HdddcCZ") == "fffffff");
  CHECK(talk.answered("HdcCZ") == "ddddd");
  CHECK(talk.at_rest());
}

TEST_CASE("a COPY that fails before its CopyDone is over; the late CopyDone is not owed an answer [5.3-65]") {
  Talk talk;
  talk.asked("Q").answered("G");
  CHECK(talk.answered("E") == "f");
  CHECK_FALSE(talk.pipeline.copying_in());
  CHECK(talk.pipeline.expects_copy());  // until ReadyForQuery it may be on its way, and the server ignores it
  talk.asked("c");
  CHECK(talk.answered("Z") == "f");
  CHECK(talk.at_rest());
  CHECK_FALSE(talk.pipeline.expects_copy());
}

TEST_CASE("a CopyDone that comes when nothing is owed changes nothing [5.3-65]") {
  Talk talk;
  talk.asked("c");
  CHECK(talk.at_rest());
  talk.asked("Q").answered("G");
  talk.answered("EZ");
  talk.asked("cf");
  CHECK(talk.at_rest());
  talk.asked("Q");
  CHECK(talk.answered("CZ") == "ff");
  CHECK(talk.at_rest());
}

TEST_CASE("a late CopyDone with a query behind it is left out of the answers [5.3-66]") {
  Talk talk;
  talk.asked("Q").answered("G");
  talk.asked("cQ");  // both were sent before the error was seen
  CHECK(talk.answered("EZ") == "ff");
  CHECK(talk.answered("CZ") == "ff");
  CHECK(talk.at_rest());

  talk.asked("QcQ");  // fails before CopyInResponse
  CHECK(talk.answered("EZCZ") == "ffff");
  CHECK(talk.at_rest());
}

TEST_CASE("an error after CopyDone is the query's own [5.3-63]") {
  Talk talk;
  talk.asked("Q").answered("G");
  talk.asked("c");
  CHECK(talk.answered("EZ") == "ff");
  CHECK(talk.at_rest());
}

TEST_CASE("two COPYs in one query each take a CopyDone [5.2-62]") {
  Talk one_by_one;
  one_by_one.asked("Q").answered("G");
  one_by_one.asked("c");
  CHECK(one_by_one.answered("CG") == "ff");
  CHECK(one_by_one.pipeline.copying_in());
  one_by_one.asked("c");
  CHECK(one_by_one.answered("CZ") == "ff");
  CHECK(one_by_one.at_rest());

  Talk at_once;
  at_once.asked("Qcc");
  CHECK(at_once.answered("GCG") == "fff");
  CHECK_FALSE(at_once.pipeline.copying_in());
  CHECK(at_once.answered("CZ") == "ff");
  CHECK(at_once.at_rest());
}

TEST_CASE("the second of two COPYs fails while its CopyDone is on its way") {
  Talk talk;
  talk.asked("Qcc");
  CHECK(talk.answered("GCEZ") == "ffff");
  CHECK(talk.at_rest());
}

TEST_CASE("extended COPY in, CopyDone and Sync when asked for") {
  Talk talk;
  talk.asked("PBE");
  CHECK(talk.answered("12G") == "fff");
  CHECK(talk.pipeline.copying_in());
  talk.asked("c");
  CHECK(talk.answered("C") == "f");
  CHECK_FALSE(talk.at_rest());
  talk.asked("S");
  CHECK(talk.answered("Z") == "f");
  CHECK(talk.at_rest());
}

TEST_CASE("a Sync that was sent with the Execute is eaten by its COPY [5.3-64]") {
  Talk talk;
  talk.asked("PBES");  // as libpq does
  CHECK(talk.answered("12G") == "fff");
  CHECK(talk.pipeline.copying_in());
  talk.asked("cS");
  CHECK(talk.answered("C") == "f");
  CHECK_FALSE(talk.at_rest());
  CHECK(talk.answered("Z") == "f");
  CHECK(talk.at_rest());
  CHECK(talk.answered("Z") == "!");
}

TEST_CASE("a Sync in the middle of a COPY is eaten too [5.3-64]") {
  Talk talk;
  talk.asked("PBE").answered("12G");
  talk.asked("SS");
  CHECK(talk.pipeline.copying_in());
  CHECK(talk.pipeline.outstanding() == 1);
  talk.asked("cS");
  CHECK(talk.answered("CZ") == "ff");
  CHECK(talk.at_rest());
  CHECK_FALSE(talk.pipeline.doubtful());
}

TEST_CASE("a Sync that a COPY ate does not close the batch") {
  Talk talk;
  talk.asked("PBE").answered("12G");
  talk.asked("Sc");
  CHECK(talk.answered("C") == "f");
  CHECK(talk.pipeline.queue_empty());
  CHECK_FALSE(talk.at_rest());
  talk.asked("S");
  CHECK(talk.answered("Z") == "f");
  CHECK(talk.at_rest());
}

TEST_CASE("a COPY that fails with a Sync sent into it is doubtful [5.3-66]") {
  Talk talk;
  talk.asked("PBE").answered("12G");
  talk.asked("S");
  CHECK(talk.answered("E") == "f");
  CHECK(talk.pipeline.doubtful());
}

TEST_CASE("a Sync that a failed COPY had not read yet counts once") {
  Talk talk;
  talk.asked("PBES").answered("12G");
  CHECK(talk.answered("EZ") == "ff");
  CHECK(talk.answered("Z") == "!");
}

TEST_CASE("a CopyDone counts for one COPY only") {
  Talk talk;
  talk.asked("Qc");
  CHECK(talk.answered("GCG") == "fff");
  CHECK(talk.pipeline.copying_in());
  talk.asked("c");
  CHECK(talk.answered("CZ") == "ff");
  CHECK(talk.at_rest());
}

TEST_CASE("ReadyForQuery ends a COPY, whatever was missing before it") {
  Talk talk;
  talk.asked("Q").answered("G");
  CHECK(talk.answered("Z") == "f");
  CHECK_FALSE(talk.pipeline.copying_in());
  CHECK(talk.at_rest());
}

TEST_CASE("extended COPY in with everything in one flight") {
  Talk talk;
  talk.asked("PBEcS");
  CHECK(talk.answered("12GCZ") == "fffff");
  CHECK(talk.at_rest());

  talk.asked("PBEScS");
  CHECK(talk.answered("12GCZ") == "fffff");
  CHECK(talk.at_rest());
}

TEST_CASE("an extended COPY whose only Sync was eaten is at rest after another Sync alone") {
  Talk talk;
  talk.asked("PBES").answered("12G");
  talk.asked("c");
  CHECK(talk.answered("C") == "f");
  CHECK(talk.pipeline.queue_empty());
  CHECK_FALSE(talk.at_rest());
  talk.asked("S");
  CHECK(talk.answered("Z") == "f");
  CHECK(talk.at_rest());
}

TEST_CASE("an extended COPY that fails skips to the next Sync [5.3-63]") {
  Talk before_done;
  before_done.asked("PBE").answered("12G");
  CHECK(before_done.answered("E") == "f");
  CHECK(before_done.pipeline.skipping());
  before_done.asked("cS");
  CHECK(before_done.answered("Z") == "f");
  CHECK(before_done.at_rest());
  CHECK_FALSE(before_done.pipeline.doubtful());

  Talk after_done;
  after_done.asked("PBE").answered("12G");
  after_done.asked("cS");
  CHECK(after_done.answered("EZ") == "ff");
  CHECK(after_done.at_rest());
}

TEST_CASE("a COPY that fails and may have eaten a Sync is doubtful, whether it had or not [5.3-66]") {
  Talk eaten;
  eaten.asked("PBES").answered("12G");
  CHECK_FALSE(eaten.pipeline.doubtful());
  CHECK(eaten.answered("E") == "f");
  CHECK(eaten.pipeline.doubtful());
  eaten.asked("cS");
  CHECK(eaten.answered("Z") == "f");
  CHECK(eaten.pipeline.doubtful());

  Talk not_eaten;
  not_eaten.asked("PBES").answered("12G");
  CHECK(not_eaten.answered("EZ") == "ff");  // the Sync was still unread when it failed
  CHECK(not_eaten.pipeline.doubtful());
  CHECK(not_eaten.at_rest());
  not_eaten.asked("cS");
  CHECK(not_eaten.answered("Z") == "f");
}

TEST_CASE("a COPY of ours is dropped") {
  Talk talk;
  talk.asked("Q", Answer::drop);
  CHECK(talk.answered("G") == "d");
  talk.asked("c", Answer::drop);
  CHECK(talk.answered("CZ") == "dd");
}

TEST_CASE("CopyInResponse in answer to what is no COPY is a violation") {
  for (const std::string_view asked : {"P", "B", "D", "C", "S", "F", ""}) {
    CAPTURE(asked);
    Talk talk;
    CHECK(talk.asked(asked).answered("G") == "!");
  }
}

TEST_CASE("CopyBoth flows both ways until both have said CopyDone [5.3-69]") {
  Talk talk;
  talk.asked("Q");
  CHECK(talk.answered("Wdd") == "fff");
  CHECK(talk.pipeline.expects_copy());
  talk.asked("c");
  CHECK(talk.answered("dcCCZ") == "fffff");
  CHECK(talk.at_rest());
}

TEST_CASE("CopyBoth that the server ends first") {
  Talk talk;
  talk.asked("Q");
  CHECK(talk.answered("Wdc") == "fff");
  talk.asked("c");
  CHECK(talk.answered("CZ") == "ff");
  CHECK(talk.at_rest());
}

// Messages that belong to no request ------------------------------------------------------------------------

TEST_CASE("notices, parameters and notifications may come at any time and end nothing [5.1-17]") {
  for (const std::string_view before : {"", "T", "TD", "TDC"}) {
    Talk talk;
    talk.asked("Q").answered(before);
    CHECK(talk.answered("NSA") == "aaa");
    CHECK(talk.pipeline.outstanding() == 1);
    CHECK(talk.answered("CZ") == "ff");
  }
  Talk idle;
  CHECK(idle.answered("NSA") == "aaa");
  CHECK(idle.at_rest());
}

// Violations ------------------------------------------------------------------------------------------------

TEST_CASE("whatever nobody asked for is a violation") {
  for (const char answer : std::string_view("123CDTtnsIVGHWdcEZRKv?")) {
    CAPTURE(answer);
    Talk talk;
    CHECK(talk.answered({&answer, 1}) == "!");
  }
}

TEST_CASE("an answer that does not fit its request is a violation") {
  struct Row {
    std::string_view asked;
    std::string_view wrong;
  };
  for (const Row row : {Row{"Q", "123tnsVRKv"}, Row{"F", "123tnTDCIsHWdcRK"}, Row{"S", "123tnTDCIsVHWdc"},
                        Row{"P", "23tnTDCIsVHWdcZ"}, Row{"B", "13tnTDCIsVHWdcZ"}, Row{"D", "123DCIsVHWdcZ"},
                        Row{"E", "123tnTVZ"}, Row{"C", "12tnTDCIsVHWdcZ"}}) {
    for (const char answer : row.wrong) {
      CAPTURE(row.asked);
      CAPTURE(answer);
      Talk talk;
      CHECK(talk.asked(row.asked).answered({&answer, 1}) == "!");
    }
  }
}

TEST_CASE("an error that comes a second time behind a failed batch is a violation") {
  Talk talk;
  talk.asked("P");
  CHECK(talk.answered("EE") == "f!");
}

// What the server connection asks ---------------------------------------------------------------------------

TEST_CASE("rows pass without a look only where they are the client's") {
  Talk talk;
  CHECK_FALSE(talk.pipeline.forwards_rows());
  talk.asked("Q");
  CHECK(talk.pipeline.forwards_rows());
  talk.answered("CZ");
  talk.asked("BES");
  CHECK_FALSE(talk.pipeline.forwards_rows());
  talk.answered("2");
  CHECK(talk.pipeline.forwards_rows());
  talk.answered("C");
  CHECK_FALSE(talk.pipeline.forwards_rows());
  talk.answered("Z");
  talk.asked("Q", Answer::drop);
  CHECK_FALSE(talk.pipeline.forwards_rows());
}

TEST_CASE("a group ends with each Sync, Query and function call") {
  Talk talk;
  const std::uint64_t first = talk.pipeline.group();
  talk.asked("PBDEC");
  CHECK(talk.pipeline.group() == first);
  talk.asked("S");
  CHECK(talk.pipeline.group() == first + 1);
  talk.asked("Q");
  CHECK(talk.pipeline.group() == first + 2);
  talk.asked("F");
  CHECK(talk.pipeline.group() == first + 3);
  talk.answered("123nC");
  CHECK(talk.pipeline.group() == first + 3);
}

TEST_CASE("a very long pipeline keeps its order, half answered and refilled") {
  Talk talk;
  const std::string batch = "PBES";
  std::string verdicts;
  for (int i = 0; i < 1500; ++i) talk.asked(batch);
  CHECK(talk.pipeline.outstanding() == 6000);
  for (int i = 0; i < 1200; ++i) verdicts += talk.answered("12CZ");
  CHECK(talk.pipeline.outstanding() == 1200);
  for (int i = 0; i < 1000; ++i) talk.asked("Q", Answer::drop).asked("S");
  for (int i = 0; i < 300; ++i) verdicts += talk.answered("12CZ");
  CHECK(verdicts == std::string(6000, 'f'));
  std::string mixed;
  for (int i = 0; i < 1000; ++i) mixed += talk.answered("CZZ");
  CHECK(mixed.find("ddf") == 0);
  CHECK(mixed.size() == 3000);
  CHECK(mixed.find('!') == std::string::npos);
  CHECK(talk.at_rest());
}

TEST_CASE("an error deep in a long pipeline finds its own Sync") {
  Talk talk;
  for (int i = 0; i < 1100; ++i) talk.asked("PS");
  for (int i = 0; i < 1050; ++i) talk.answered("1Z");
  talk.asked_for('P', 7);
  for (int i = 0; i < 3; ++i) talk.asked("BE");
  talk.asked("S").asked("Q");
  for (int i = 0; i < 50; ++i) talk.answered("1Z");
  CHECK(talk.answered("E") == "f");
  CHECK(talk.told == "!7");
  CHECK(talk.pipeline.outstanding() == 2);
  CHECK(talk.answered("ZCZ") == "fff");
  CHECK(talk.at_rest());
}

}  // namespace ballast
