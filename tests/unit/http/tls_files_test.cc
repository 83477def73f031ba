#include <fstream>

#include "tests/unit/http/test_ca.h"

namespace vbs::http::test {
namespace {

class TlsFiles : public ::testing::Test {
 protected:
  std::string refusal(const TlsOptions& files) {
    const auto context = TlsContext::load(files);
    if (context) return "";
    EXPECT_EQ(context.error().code, ErrorCode::invalid_field);
    return context.error().message;
  }
  void expect_refused(const TlsOptions& files, const std::string& file, const std::string& why) {
    const std::string said = refusal(files);
    EXPECT_NE(said.find(file), std::string::npos) << said;
    EXPECT_NE(said.find(why), std::string::npos) << said;
  }

  TestCa ca_;
  TestCa other_ca_;
  TlsOptions files_ = ca_.issue("node");
};

TEST_F(TlsFiles, AreTaken) {
  EXPECT_EQ(refusal(files_), "");
}

TEST_F(TlsFiles, AreAllNeeded) {
  for (auto member : {&TlsOptions::certificate_file, &TlsOptions::key_file, &TlsOptions::ca_file}) {
    TlsOptions files = files_;
    files.*member = "";
    EXPECT_NE(refusal(files), "");
    files.*member = ca_.path("absent");
    expect_refused(files, ca_.path("absent"), "No such file");
  }
}

TEST_F(TlsFiles, KeyBelongsToTheCertificate) {
  files_.key_file = ca_.issue("another").key_file;
  expect_refused(files_, files_.key_file, "does not belong to the certificate");
}

TEST_F(TlsFiles, KeyIsForItsOwnerOnly) {
  ::chmod(files_.key_file.c_str(), 0640);
  expect_refused(files_, files_.key_file, "chmod 600");
}

TEST_F(TlsFiles, AreInPemForm) {
  const std::string junk = ca_.path("junk");
  write_private(junk, [](FILE* file) { return std::fputs("junk", file) >= 0 ? 1 : 0; });
  for (auto member : {&TlsOptions::certificate_file, &TlsOptions::key_file, &TlsOptions::ca_file}) {
    TlsOptions files = files_;
    files.*member = junk;
    expect_refused(files, junk, "PEM");
  }
}

TEST_F(TlsFiles, CertificateIsOfTheCa) {
  files_.ca_file = other_ca_.ca_file();
  expect_refused(files_, files_.certificate_file, "is not of the CA");
}

TEST_F(TlsFiles, EncryptedKeyIsRefusedWithoutAsking) {
  const Key key = new_key();
  write_private(files_.key_file, [&](FILE* file) {
    return PEM_write_PrivateKey(file, key.get(), EVP_aes_128_cbc(),
                                reinterpret_cast<const unsigned char*>("secret"), 6, nullptr,
                                nullptr);
  });
  expect_refused(files_, files_.key_file, "unencrypted");
}

// A program must start before its clock is right; its peers look at the time.
TEST_F(TlsFiles, AnExpiredCertificateIsTaken) {
  EXPECT_EQ(refusal(ca_.issue("old", {.from_days = -3, .to_days = -2})), "");
}

TEST_F(TlsFiles, WhatCannotBeReloadedLeavesTheOldOnesInUse) {
  const auto context = TlsContext::load(files_);
  ASSERT_TRUE(context);
  const auto before = (*context)->current();
  std::ofstream(files_.certificate_file) << "junk";
  EXPECT_FALSE((*context)->reload());
  EXPECT_EQ((*context)->current(), before);
  ca_.issue("node");
  EXPECT_TRUE((*context)->reload());
  EXPECT_NE((*context)->current(), before);
}

}  // namespace
}  // namespace vbs::http::test
