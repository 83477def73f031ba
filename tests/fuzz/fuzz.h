#pragma once

#include <string_view>

/// What the targets share. A target is one file that defines `one_input`, linked with libFuzzer
/// (llvm.org/docs/LibFuzzer.html).
namespace vbs::fuzz {

/// Gives one input to the parsers of the target, and checks what must hold whatever it is.
void one_input(std::string_view input);

/// Takes from `rest` what is before the next line "--", and that line.
std::string_view next_part(std::string_view& rest);

/// Ends the program, so that libFuzzer keeps the input, unless it `holds`.
void require(bool holds, std::string_view what);

}  // namespace vbs::fuzz
