// FunctionCalls: the calls of functions between two audits, and what the second one says of them.
// Pure, one thread.
#pragma once

#include "proxy/pool/function_table.hpp"
#include "proxy/pool/parameter_set.hpp"

namespace ballast {

struct FunctionCalls {
  FunctionNames names;        // that are to be judged
  ParameterSetRef before;     // the session's state ahead of them; with the first name
  bool have_company = false;  // other statements may have left what is found
  bool were_undone = false;   // by an error or a rollback, maybe: finding nothing proves nothing
};

enum class Verdict { clean, dirty, unclear };
enum class Pins { same, changed };

// `after`: what the audit found. `startup`: the values of the client's startup packet, which an audit may
// show in other words ("ISO" as "ISO, MDY").
Verdict judge(const FunctionCalls& calls, const ParameterSetRef& after, Pins pins,
              const ReportedParameters& startup);
// The settings that differ, for people.
std::string changed_settings(const ParameterSet& before, const ParameterSet& after);

}  // namespace ballast
