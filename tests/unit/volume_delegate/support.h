#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <string>
#include <thread>

#include "common/clock.h"
#include "common/error.h"
#include "common/ids.h"

namespace vbs::volume_delegate::testing {

/// A folder of its own, with a short path (control sockets are in it), removed afterwards.
class TempDir {
 public:
  TempDir() {
    std::string path = "/tmp/vbsv-XXXXXX";
    path_ = ::mkdtemp(path.data());
  }
  explicit TempDir(std::string existing) : path_(std::move(existing)) {}
  ~TempDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  const std::string& path() const { return path_; }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

/// Stands still until told to move.
class ManualClock final : public Clock {
 public:
  WallTime wall() const override { return from_millis(1'800'000'000'000) + moved_; }
  MonotonicTime monotonic() const override {
    return MonotonicTime{} + std::chrono::hours(1) + moved_;
  }
  void advance(Milliseconds by) { moved_ += by; }

 private:
  Milliseconds moved_{0};
};

/// 0190a1b2-0000-7000-8000-<number as 12 hex digits>
inline Uuid id(unsigned number) {
  char text[37];
  std::snprintf(text, sizeof(text), "0190a1b2-0000-7000-8000-%012x", number);
  return *Uuid::parse(text);
}

/// Waits until something can be observed; false after a generous limit.
inline bool eventually(const std::function<bool()>& seen,
                       std::chrono::seconds limit = std::chrono::seconds(60)) {
  const auto deadline = std::chrono::steady_clock::now() + limit;
  while (!seen()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

/// "" for success, so that EXPECT_EQ("", trouble(call())) shows what went wrong.
template <class T>
std::string trouble(const Result<T>& result) {
  return result ? std::string() : describe(result.error());
}

template <class T>
::testing::AssertionResult failed_with(const Result<T>& result, ErrorCode code,
                                       const std::string& word = "") {
  if (result) return ::testing::AssertionFailure() << "it succeeded";
  const std::string text = describe(result.error());
  if (result.error().code != code) return ::testing::AssertionFailure() << text;
  if (text.find(word) != std::string::npos) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << "\"" << word << "\" is not in: " << text;
}

}  // namespace vbs::volume_delegate::testing
