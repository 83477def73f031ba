#pragma once

#include <string>
#include <string_view>

#include "common/error.h"
#include "common/secret.h"

namespace vbs {

/// The text, at most 4 KiB, of a file that nobody but its owner may use. invalid_field whose
/// message names the file as `what` ("token_file") and its path.
Result<Secret> read_private_file(const std::string& path, std::string_view what);

/// The word in a file that nobody but its owner may use, such as a service token: at least 16
/// printable characters without a blank; blanks and ends of lines after it do not count.
/// invalid_field whose message names the file as `what` ("token_file") and its path.
Result<Secret> read_secret_file(const std::string& path, std::string_view what);

}  // namespace vbs
