#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <iostream>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "common/text.h"

/// Names that mean harm, from one seed, and what must hold of the commands and paths that are made
/// of those that the rules accept. A million of them are tried in all: a fifth of each kind of name
/// in the tests of common/names, the rest where commands are made.
namespace vbs::test {

inline constexpr std::uint64_t kHostileSeed = 20261128;

class HostileNames {
 public:
  /// Half of them are made of `plain`, which the rules accept.
  explicit HostileNames(std::string plain) : plain_(std::move(plain)) {}

  std::string next() {
    if (below(2) == 0) return mutated();
    switch (below(5)) {
      case 0:
        return bytes(below(48));
      case 1:
        return unicode(below(24));
      case 2:
        return std::string(1 + below(4000), plain_[below(plain_.size())]);
      default:
        return pieces(1 + below(4));
    }
  }

 private:
  std::size_t below(std::size_t limit) { return random_() % limit; }

  static const std::vector<std::string>& nasty() {
    static const std::vector<std::string> all{"-",
                                              "--",
                                              "-f",
                                              "--force",
                                              "--config=x",
                                              "-oProxyCommand=x",
                                              "@",
                                              "..",
                                              "../",
                                              "/../..",
                                              "/",
                                              "//",
                                              "/etc/passwd",
                                              "./",
                                              "~",
                                              "%2e%2e%2f",
                                              "\\",
                                              "\\x2f",
                                              "\n",
                                              "\r\n",
                                              "\t",
                                              " ",
                                              "\x1b[2J",
                                              "\x7f",
                                              "$(reboot)",
                                              "`id`",
                                              ";reboot",
                                              "|sh",
                                              "&&",
                                              ">/etc/x",
                                              "*",
                                              "?",
                                              "{a,b}",
                                              "'",
                                              "\"",
                                              "${IFS}",
                                              "!",
                                              "#",
                                              ",",
                                              ",Type=nullio",
                                              "=",
                                              ":",
                                              ".",
                                              "%n%s",
                                              "\u2010",
                                              "\uff0d-",
                                              "\u202e",
                                              "\u200b",
                                              "\u00a0",
                                              "\u2028",
                                              "\xc0\xae",
                                              "\xff",
                                              "null",
                                              "0",
                                              "-1",
                                              "a",
                                              "vbs-",
                                              std::string(1, '\0'),
                                              "\nnode.startup = automatic"};
    return all;
  }

  std::string bytes(std::size_t length) {
    std::string text;
    for (std::size_t i = 0; i < length; ++i) text += static_cast<char>(below(256));
    return text;
  }

  std::string pieces(std::size_t count) {
    std::string text;
    for (std::size_t i = 0; i < count; ++i) {
      text += below(4) == 0 ? plain_.substr(below(plain_.size())) : nasty()[below(nasty().size())];
    }
    return text;
  }

  /// Code points of two and three bytes, surrogates among them.
  std::string unicode(std::size_t length) {
    std::string text;
    for (std::size_t i = 0; i < length; ++i) {
      const auto point = static_cast<unsigned>(0x80 + below(0xff80));
      if (point >= 0x800) text += static_cast<char>(0xe0 | point >> 12);
      text += static_cast<char>(point >= 0x800 ? 0x80 | (point >> 6 & 0x3f) : 0xc0 | point >> 6);
      text += static_cast<char>(0x80 | (point & 0x3f));
    }
    return text;
  }

  std::string mutated() {
    std::string text = plain_;
    for (std::size_t left = 1 + below(3); left > 0; --left) {
      const std::size_t at =
          std::array{std::size_t{0}, text.size(), below(text.size() + 1)}[below(3)];
      switch (below(5)) {
        case 0:
          text.insert(at, nasty()[below(nasty().size())]);
          break;
        case 1:
          text.erase(at, 1 + below(3));
          break;
        case 2:
          text.insert(at, text.substr(below(text.size() + 1)));
          break;
        case 3:
          if (at < text.size()) text[at] = plain_[below(plain_.size())];
          break;
        default:
          text.insert(at, 1, static_cast<char>(' ' + static_cast<int>(below(95))));
      }
    }
    return text;
  }

  const std::string plain_;
  std::mt19937_64 random_{kHostileSeed};
};

/// Calls use(name) for those of `count` names that accept(name) lets through, which must be a fair
/// part, until one fails.
template <class Accept, class Use>
void try_hostile_names(const std::string& plain, std::size_t count, Accept accept, Use use) {
  ASSERT_TRUE(accept(plain)) << plain;
  HostileNames names(plain);
  std::size_t accepted = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const std::string name = names.next();
    if (!accept(name)) continue;
    ++accepted;
    use(name);
    if (testing::Test::HasFailure()) FAIL() << "name " << i << ": " << quote(name);
  }
  std::cout << "seed " << kHostileSeed << ": " << accepted << " of " << count << " like \"" << plain
            << "\" are accepted\n";
  EXPECT_GT(accepted, count / 50);
  EXPECT_LT(accepted, count - count / 10);
}

using Words = std::vector<std::string>;
using Commands = std::vector<Words>;

/// "a,b" of "a=1,b=2,3"
inline std::string keys_of(std::string_view word) {
  std::string keys;
  bool in_key = true;
  for (const char c : word) {
    if (c == ',') in_key = true;
    if (c == '=') in_key = false;
    if (in_key) keys += c;
  }
  return keys;
}

inline bool is_control(char c) {
  return (c >= 0 && c < ' ') || c == 127;
}

/// An option stays what it is, and nothing else becomes one; so do the keys of KEY=VALUE.
inline bool same_kind(const std::string& usual, const std::string& word) {
  if (word.empty() || word.starts_with('-') != usual.starts_with('-')) return false;
  if (std::any_of(word.begin(), word.end(), is_control)) return false;
  if (usual.find('=') != std::string::npos) return keys_of(word) == keys_of(usual);
  return !usual.starts_with('-') || word == usual;
}

/// As many words as a plain name makes, each of the same kind.
inline void expect_same_shape(const Words& usual, const Words& words) {
  ASSERT_EQ(words.size(), usual.size()) << usual[0];
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (!same_kind(usual[i], words[i])) {
      ADD_FAILURE() << quote(words[i]) << " in place of " << quote(usual[i]);
    }
  }
}

/// build(name) makes command lines of a name.
template <class Accept, class Build>
void expect_harmless(const std::string& plain, std::size_t count, Accept accept, Build build) {
  const Commands usual = build(plain);
  try_hostile_names(plain, count, accept, [&](const std::string& name) {
    const Commands commands = build(name);
    for (std::size_t i = 0; i < commands.size(); ++i) expect_same_shape(usual[i], commands[i]);
  });
}

/// One element below `folder`, as it is written.
inline void expect_just_below(const std::string& folder, const std::string& path) {
  const auto lexical = std::filesystem::path(path).lexically_normal();
  EXPECT_EQ(lexical.string(), path);
  EXPECT_EQ(lexical.parent_path().string(), folder);
}

}  // namespace vbs::test
