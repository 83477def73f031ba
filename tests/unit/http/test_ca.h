#pragma once

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

#include <filesystem>
#include <memory>
#include <string>

#include "common/http/tls.h"

namespace vbs::http::test {

using Key = std::unique_ptr<EVP_PKEY, void (*)(EVP_PKEY*)>;
using Certificate = std::unique_ptr<X509, void (*)(X509*)>;

/// What a certificate says beside its subject's name.
struct Claims {
  std::string alternative_names = "DNS:localhost,IP:127.0.0.1";  ///< "": none
  std::string usage = "serverAuth,clientAuth";
  long from_days = -1;
  long to_days = 1;
};

inline Key new_key() {
  return Key(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256"), EVP_PKEY_free);
}

inline void add_extension(X509* certificate, X509* issuer, int kind, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str());
  ASSERT_NE(extension, nullptr) << value;
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

/// Writes a file that only its owner can read.
inline void write_private(const std::string& path, const std::function<int(FILE*)>& write) {
  FILE* file = std::fopen(path.c_str(), "w");
  ASSERT_NE(file, nullptr) << path;
  EXPECT_EQ(write(file), 1);
  std::fclose(file);
  ::chmod(path.c_str(), 0600);
}

/// A CA of its own, whose files live in a temporary folder until it goes.
class TestCa {
 public:
  TestCa() : key_(new_key()), certificate_(X509_new(), X509_free) {
    std::string pattern = ::testing::TempDir() + "vbs-ca-XXXXXX";
    folder_ = ::mkdtemp(pattern.data());
    fill(certificate_.get(), key_.get(), "test CA", Claims{});
    add_extension(certificate_.get(), certificate_.get(), NID_basic_constraints,
                  "critical,CA:TRUE");
    sign(certificate_.get(), certificate_.get(), key_.get());
    write_certificate(ca_file(), certificate_.get());
  }
  ~TestCa() { std::filesystem::remove_all(folder_); }
  TestCa(const TestCa&) = delete;
  TestCa& operator=(const TestCa&) = delete;

  std::string ca_file() const { return folder_ + "/ca.crt"; }
  std::string path(const std::string& name) const { return folder_ + "/" + name; }

  /// A certificate of this CA. A second one of the same name replaces the first one's files.
  TlsOptions issue(const std::string& name, const Claims& claims = {}) const {
    return make(name, claims, certificate_.get(), key_.get());
  }
  /// One that nobody else has signed.
  TlsOptions issue_self_signed(const std::string& name) const {
    return make(name, Claims{}, nullptr, nullptr);
  }

 private:
  static void fill(X509* certificate, EVP_PKEY* key, const std::string& name,
                   const Claims& claims) {
    static long serial = 1;
    X509_set_version(certificate, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), ++serial);
    X509_gmtime_adj(X509_getm_notBefore(certificate), claims.from_days * 86'400);
    X509_gmtime_adj(X509_getm_notAfter(certificate), claims.to_days * 86'400);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_UTF8,
                               reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
    X509_set_pubkey(certificate, key);
  }

  static void sign(X509* certificate, X509* issuer, EVP_PKEY* key) {
    X509_set_issuer_name(certificate, X509_get_subject_name(issuer));
    ASSERT_GT(X509_sign(certificate, key, EVP_sha256()), 0);
  }

  static void write_certificate(const std::string& path, X509* certificate) {
    write_private(path, [&](FILE* file) { return PEM_write_X509(file, certificate); });
  }

  TlsOptions make(const std::string& name, const Claims& claims, X509* issuer,
                  EVP_PKEY* issuer_key) const {
    const Key key = new_key();
    const Certificate certificate(X509_new(), X509_free);
    fill(certificate.get(), key.get(), name, claims);
    X509* signer = issuer ? issuer : certificate.get();
    add_extension(certificate.get(), signer, NID_basic_constraints, "critical,CA:FALSE");
    if (!claims.usage.empty())
      add_extension(certificate.get(), signer, NID_ext_key_usage, claims.usage);
    if (!claims.alternative_names.empty())
      add_extension(certificate.get(), signer, NID_subject_alt_name, claims.alternative_names);
    sign(certificate.get(), signer, issuer ? issuer_key : key.get());
    const TlsOptions files{path(name + ".crt"), path(name + ".key"), ca_file()};
    write_certificate(files.certificate_file, certificate.get());
    write_private(files.key_file, [&](FILE* file) {
      return PEM_write_PrivateKey(file, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
    });
    return files;
  }

  std::string folder_;
  Key key_;
  Certificate certificate_;
};

}  // namespace vbs::http::test
