// What the cases of options need: load_options with arguments and variables written in place.
#pragma once

#include <string>
#include <vector>

#include "proxy/app/options.hpp"

namespace ballast {

using Arguments = std::vector<std::string>;

class ArgumentPointers {
 public:
  explicit ArgumentPointers(const Arguments& arguments) {
    pointers_.push_back("ballast");
    for (const std::string& argument : arguments) pointers_.push_back(argument.c_str());
  }
  int count() const { return static_cast<int>(pointers_.size()); }
  const char* const* data() const { return pointers_.data(); }

 private:
  std::vector<const char*> pointers_;
};

inline Options load(const Arguments& arguments, const Environment& environment = {}) {
  const ArgumentPointers pointers(arguments);
  return load_options(pointers.count(), pointers.data(), environment);
}

// The one line of the error; empty: there was none.
inline std::string load_error(const Arguments& arguments, const Environment& environment = {}) {
  try {
    load(arguments, environment);
  } catch (const OptionsError& failure) {
    return failure.what();
  }
  return "";
}

}  // namespace ballast
