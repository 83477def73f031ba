#pragma once

#include <string>
#include <string_view>

#include "common/clock.h"
#include "common/json.h"

namespace vbs::cli {

// Reads members of the service's answers for showing. What is absent, null, empty or of another
// type than expected shows as "-": a newer service must not break a listing.

/// Strings as they are, numbers in decimal, booleans as yes or no.
std::string text_of(const json::Value& object, std::string_view key);
/// The string, or "" where there is none.
std::string string_of(const json::Value& object, std::string_view key);
/// Bytes as "32M".
std::string size_of(const json::Value& object, std::string_view key);
/// A time as "5m".
std::string age_of(const json::Value& object, std::string_view key, WallTime now);
/// Empty where there is none.
const json::Value::Array& array_of(const json::Value& object, std::string_view key);
/// "a=1, b=2" of an object of strings.
std::string tags_of(const json::Value& object, std::string_view key);

}  // namespace vbs::cli
