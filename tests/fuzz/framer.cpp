// Message headers and the pipeline, under any requests and any server: no crash, and the fate of each request
// with a statement is told at most once.
#include <set>

#include "protocol/message.hpp"
#include "protocol/pipeline.hpp"

#include "tests/fuzz/input.hpp"

using namespace ballast;

namespace {

class Fates : public PipelineObserver {
 public:
  std::uint64_t next() {
    unknown_.insert(++last_);
    return last_;
  }
  void on_answered(const Request& request) override { fuzz::require(unknown_.erase(request.statement) == 1); }
  void on_discarded(const Request& request) override {
    fuzz::require(unknown_.erase(request.statement) == 1);
  }
  std::size_t unknown() const { return unknown_.size(); }

 private:
  std::set<std::uint64_t> unknown_;
  std::uint64_t last_ = 0;
};

void add_request(Pipeline& pipeline, Fates& fates, unsigned choice) {
  Request request{static_cast<RequestKind>(choice % 9)};
  const bool has_statement = request.kind == RequestKind::parse || request.kind == RequestKind::close;
  request.answer = static_cast<Answer>(choice / 9 % 2);
  if (has_statement) request.statement = fates.next();
  pipeline.add(request);
}

// One message of the server; false: it is to be closed.
bool receive(Pipeline& pipeline, std::string_view message) {
  const auto type = static_cast<BackendType>(message.front());
  if (type != BackendType::ready_for_query) return pipeline.receive(type) != Pipeline::Verdict::violation;
  const char status = message.size() > header_size ? message[header_size] : 'I';
  return pipeline.receive_ready(static_cast<TransactionStatus>(status)) != Pipeline::Verdict::violation;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Input input(data, size);
  Fates fates;
  Pipeline pipeline(fates);
  while (!input.empty()) {
    for (unsigned count = input.choice() % 8; count > 0; --count)
      add_request(pipeline, fates, input.choice());
    const std::string_view start = input.rest();
    if (start.size() < header_size) return 0;
    const Header header = read_header(start.data());
    if (!valid(header)) return 0;
    fuzz::require(header.total() == header_size + header.body_size());
    if (!receive(pipeline, input.piece(header.total()))) return 0;
    if (pipeline.at_rest()) fuzz::require(fates.unknown() == 0 && pipeline.outstanding() == 0);
  }
  return 0;
}
