#pragma once

#include <string>

#include "common/json.h"

namespace vbs::wire {

template <class T>
Result<T> read(const std::string& text) {
  return T::from_json(json::parse(text).value());
}

template <class T>
std::string text_of(const T& value) {
  json::Writer out;
  value.to_json(out);
  return out.take();
}

}  // namespace vbs::wire
