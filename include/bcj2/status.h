/* SPDX-License-Identifier: MIT */
/* Status codes: what a call returns and what a job's error object holds. They are the HRESULT
   values of BITS: BG_E_X is BCJ2_E_X, ERROR_X is BCJ2_E_X with its HRESULT value (save
   ERROR_FILE_NOT_FOUND, BCJ2_E_WIN32_FILE_NOT_FOUND, because BG_E_FILE_NOT_FOUND has the name). 0
   is success, above 0 is success with a note, below 0 is failure. */
#ifndef BCJ2_STATUS_H
#define BCJ2_STATUS_H

#include <stdint.h>
#include <bcj2/export.h>

BCJ2_BEGIN_DECLS

typedef int32_t bcj2_status;

#define BCJ2_SUCCEEDED(s) ((s) >= 0)
#define BCJ2_FAILED(s)    ((s) < 0)

/* generic */
#define BCJ2_OK                        ((bcj2_status)0x00000000)
#define BCJ2_S_FALSE                   ((bcj2_status)0x00000001)
#define BCJ2_S_ERROR_CONTEXT_NONE      ((bcj2_status)0x00200006)
#define BCJ2_S_PARTIAL_COMPLETE        ((bcj2_status)0x00200017)
#define BCJ2_S_UNABLE_TO_DELETE_FILES  ((bcj2_status)0x0020001A)
#define BCJ2_S_PROXY_CHANGED           ((bcj2_status)0x0020002A)
#define BCJ2_S_OVERRIDDEN_BY_POLICY    ((bcj2_status)0x00200055)
#define BCJ2_E_NOTIMPL                 ((bcj2_status)0x80004001)
#define BCJ2_E_NOINTERFACE             ((bcj2_status)0x80004002)
#define BCJ2_E_POINTER                 ((bcj2_status)0x80004003)
#define BCJ2_E_ABORT                   ((bcj2_status)0x80004004)
#define BCJ2_E_FAIL                    ((bcj2_status)0x80004005)
#define BCJ2_E_PENDING                 ((bcj2_status)0x8000000A)
#define BCJ2_CO_E_NOT_SUPPORTED        ((bcj2_status)0x80004021)
#define BCJ2_E_UNEXPECTED              ((bcj2_status)0x8000FFFF)
#define BCJ2_REGDB_E_CLASSNOTREG       ((bcj2_status)0x80040154)
#define BCJ2_CRYPT_E_NOT_FOUND         ((bcj2_status)0x80092004)
#define BCJ2_E_WIN32_FILE_NOT_FOUND    ((bcj2_status)0x80070002)
#define BCJ2_E_PATH_NOT_FOUND          ((bcj2_status)0x80070003)
#define BCJ2_E_ACCESSDENIED            ((bcj2_status)0x80070005)
#define BCJ2_E_CLOSED                  ((bcj2_status)0x80070006)
#define BCJ2_E_OUTOFMEMORY             ((bcj2_status)0x8007000E)
#define BCJ2_E_SHARING_VIOLATION       ((bcj2_status)0x80070020)
#define BCJ2_E_LOCK_VIOLATION          ((bcj2_status)0x80070021)
#define BCJ2_E_NOT_SUPPORTED           ((bcj2_status)0x80070032)
#define BCJ2_E_INVALIDARG              ((bcj2_status)0x80070057)
#define BCJ2_E_DISK_FULL               ((bcj2_status)0x80070070)
#define BCJ2_E_INVALID_NAME            ((bcj2_status)0x8007007B)
#define BCJ2_E_FILENAME_EXCED_RANGE    ((bcj2_status)0x800700CE)
#define BCJ2_E_CAN_NOT_COMPLETE        ((bcj2_status)0x800703EB)
#define BCJ2_E_IO_DEVICE               ((bcj2_status)0x8007045D)
#define BCJ2_E_SERVICE_DISABLED        ((bcj2_status)0x80070422)
#define BCJ2_E_NOT_LOGGED_ON           ((bcj2_status)0x800704DD)
#define BCJ2_E_TIMEOUT                 ((bcj2_status)0x800705B4)
#define BCJ2_E_NULL_REF_POINTER        ((bcj2_status)0x800706F4)
#define BCJ2_E_BAD_STUB_DATA           ((bcj2_status)0x800706F7)
#define BCJ2_E_RESOURCE_LANG_NOT_FOUND ((bcj2_status)0x80070717)
#define BCJ2_E_DECRYPTION_FAILED       ((bcj2_status)0x80071771)

/* network: HRESULT_FROM_WIN32 of the WinHTTP errors */
#define BCJ2_E_WINHTTP_TIMEOUT                           ((bcj2_status)0x80072EE2)
#define BCJ2_E_WINHTTP_INVALID_URL                       ((bcj2_status)0x80072EE5)
#define BCJ2_E_WINHTTP_UNRECOGNIZED_SCHEME               ((bcj2_status)0x80072EE6)
#define BCJ2_E_WINHTTP_NAME_NOT_RESOLVED                 ((bcj2_status)0x80072EE7)
#define BCJ2_E_WINHTTP_OPERATION_CANCELLED               ((bcj2_status)0x80072EF1)
#define BCJ2_E_WINHTTP_CANNOT_CONNECT                    ((bcj2_status)0x80072EFD)
#define BCJ2_E_WINHTTP_CONNECTION_ERROR                  ((bcj2_status)0x80072EFE)
#define BCJ2_E_WINHTTP_SECURE_CERT_DATE_INVALID          ((bcj2_status)0x80072F05)
#define BCJ2_E_WINHTTP_SECURE_CERT_CN_INVALID            ((bcj2_status)0x80072F06)
#define BCJ2_E_WINHTTP_CLIENT_AUTH_CERT_NEEDED           ((bcj2_status)0x80072F0C)
#define BCJ2_E_WINHTTP_SECURE_INVALID_CA                 ((bcj2_status)0x80072F0D)
#define BCJ2_E_WINHTTP_SECURE_CERT_REV_FAILED            ((bcj2_status)0x80072F19)
#define BCJ2_E_WINHTTP_INVALID_SERVER_RESPONSE           ((bcj2_status)0x80072F78)
#define BCJ2_E_WINHTTP_SECURE_CHANNEL_ERROR              ((bcj2_status)0x80072F7D)
#define BCJ2_E_WINHTTP_SECURE_INVALID_CERT               ((bcj2_status)0x80072F89)
#define BCJ2_E_WINHTTP_SECURE_CERT_REVOKED               ((bcj2_status)0x80072F8A)
#define BCJ2_E_WINHTTP_SECURE_FAILURE                    ((bcj2_status)0x80072F8F)
#define BCJ2_E_WINHTTP_SECURE_CERT_WRONG_USAGE           ((bcj2_status)0x80072F93)
#define BCJ2_E_WINHTTP_CLIENT_CERT_NO_ACCESS_PRIVATE_KEY ((bcj2_status)0x80072F9A)

/* BITS */
#define BCJ2_E_NOT_FOUND                                 ((bcj2_status)0x80200001)
#define BCJ2_E_INVALID_STATE                             ((bcj2_status)0x80200002)
#define BCJ2_E_EMPTY                                     ((bcj2_status)0x80200003)
#define BCJ2_E_FILE_NOT_AVAILABLE                        ((bcj2_status)0x80200004)
#define BCJ2_E_PROTOCOL_NOT_AVAILABLE                    ((bcj2_status)0x80200005)
#define BCJ2_E_ERROR_CONTEXT_UNKNOWN                     ((bcj2_status)0x80200007)
#define BCJ2_E_ERROR_CONTEXT_GENERAL_QUEUE_MANAGER       ((bcj2_status)0x80200008)
#define BCJ2_E_ERROR_CONTEXT_LOCAL_FILE                  ((bcj2_status)0x80200009)
#define BCJ2_E_ERROR_CONTEXT_REMOTE_FILE                 ((bcj2_status)0x8020000A)
#define BCJ2_E_ERROR_CONTEXT_GENERAL_TRANSPORT           ((bcj2_status)0x8020000B)
#define BCJ2_E_ERROR_CONTEXT_QUEUE_MANAGER_NOTIFICATION  ((bcj2_status)0x8020000C)
#define BCJ2_E_DESTINATION_LOCKED                        ((bcj2_status)0x8020000D)
#define BCJ2_E_VOLUME_CHANGED                            ((bcj2_status)0x8020000E)
#define BCJ2_E_ERROR_INFORMATION_UNAVAILABLE             ((bcj2_status)0x8020000F)
#define BCJ2_E_NETWORK_DISCONNECTED                      ((bcj2_status)0x80200010)
#define BCJ2_E_MISSING_FILE_SIZE                         ((bcj2_status)0x80200011)
#define BCJ2_E_INSUFFICIENT_HTTP_SUPPORT                 ((bcj2_status)0x80200012)
#define BCJ2_E_INSUFFICIENT_RANGE_SUPPORT                ((bcj2_status)0x80200013)
#define BCJ2_E_REMOTE_NOT_SUPPORTED                      ((bcj2_status)0x80200014)
#define BCJ2_E_NEW_OWNER_DIFF_MAPPING                    ((bcj2_status)0x80200015)
#define BCJ2_E_NEW_OWNER_NO_FILE_ACCESS                  ((bcj2_status)0x80200016)
#define BCJ2_E_PROXY_LIST_TOO_LARGE                      ((bcj2_status)0x80200018)
#define BCJ2_E_PROXY_BYPASS_LIST_TOO_LARGE               ((bcj2_status)0x80200019)
#define BCJ2_E_INVALID_SERVER_RESPONSE                   ((bcj2_status)0x8020001B)
#define BCJ2_E_TOO_MANY_FILES                            ((bcj2_status)0x8020001C)
#define BCJ2_E_LOCAL_FILE_CHANGED                        ((bcj2_status)0x8020001D)
#define BCJ2_E_ERROR_CONTEXT_REMOTE_APPLICATION          ((bcj2_status)0x8020001E)
#define BCJ2_E_SESSION_NOT_FOUND                         ((bcj2_status)0x8020001F)
#define BCJ2_E_TOO_LARGE                                 ((bcj2_status)0x80200020)
#define BCJ2_E_STRING_TOO_LONG                           ((bcj2_status)0x80200021)
#define BCJ2_E_CLIENT_SERVER_PROTOCOL_MISMATCH           ((bcj2_status)0x80200022)
#define BCJ2_E_SERVER_EXECUTE_ENABLE                     ((bcj2_status)0x80200023)
#define BCJ2_E_NO_PROGRESS                               ((bcj2_status)0x80200024)
#define BCJ2_E_USERNAME_TOO_LARGE                        ((bcj2_status)0x80200025)
#define BCJ2_E_PASSWORD_TOO_LARGE                        ((bcj2_status)0x80200026)
#define BCJ2_E_INVALID_AUTH_TARGET                       ((bcj2_status)0x80200027)
#define BCJ2_E_INVALID_AUTH_SCHEME                       ((bcj2_status)0x80200028)
#define BCJ2_E_FILE_NOT_FOUND                            ((bcj2_status)0x80200029)
#define BCJ2_E_INVALID_RANGE                             ((bcj2_status)0x8020002B)
#define BCJ2_E_OVERLAPPING_RANGES                        ((bcj2_status)0x8020002C)
#define BCJ2_E_CONNECT_FAILURE                           ((bcj2_status)0x8020002D)
#define BCJ2_E_CONNECTION_CLOSED                         ((bcj2_status)0x8020002E)
#define BCJ2_E_BLOCKED_BY_POLICY                         ((bcj2_status)0x8020003E)
#define BCJ2_E_INVALID_PROXY_INFO                        ((bcj2_status)0x8020003F)
#define BCJ2_E_INVALID_CREDENTIALS                       ((bcj2_status)0x80200040)
#define BCJ2_E_INVALID_HASH_ALGORITHM                    ((bcj2_status)0x80200041)
#define BCJ2_E_RECORD_DELETED                            ((bcj2_status)0x80200042)
#define BCJ2_E_COMMIT_IN_PROGRESS                        ((bcj2_status)0x80200043)
#define BCJ2_E_DISCOVERY_IN_PROGRESS                     ((bcj2_status)0x80200044)
#define BCJ2_E_UPNP_ERROR                                ((bcj2_status)0x80200045)
#define BCJ2_E_TEST_OPTION_BLOCKED_DOWNLOAD              ((bcj2_status)0x80200046)
#define BCJ2_E_PEERCACHING_DISABLED                      ((bcj2_status)0x80200047)
#define BCJ2_E_BUSYCACHERECORD                           ((bcj2_status)0x80200048)
#define BCJ2_E_TOO_MANY_JOBS_PER_USER                    ((bcj2_status)0x80200049)
#define BCJ2_E_TOO_MANY_JOBS_PER_MACHINE                 ((bcj2_status)0x80200050)
#define BCJ2_E_TOO_MANY_FILES_IN_JOB                     ((bcj2_status)0x80200051)
#define BCJ2_E_TOO_MANY_RANGES_IN_FILE                   ((bcj2_status)0x80200052)
#define BCJ2_E_VALIDATION_FAILED                         ((bcj2_status)0x80200053)
#define BCJ2_E_MAXDOWNLOAD_TIMEOUT                       ((bcj2_status)0x80200054)
#define BCJ2_E_TOKEN_REQUIRED                            ((bcj2_status)0x80200056)
#define BCJ2_E_UNKNOWN_PROPERTY_ID                       ((bcj2_status)0x80200057)
#define BCJ2_E_READ_ONLY_PROPERTY                        ((bcj2_status)0x80200058)
#define BCJ2_E_BLOCKED_BY_COST_TRANSFER_POLICY           ((bcj2_status)0x80200059)
#define BCJ2_E_PROPERTY_SUPPORTED_FOR_DOWNLOAD_JOBS_ONLY ((bcj2_status)0x80200060)
#define BCJ2_E_READ_ONLY_PROPERTY_AFTER_ADDFILE          ((bcj2_status)0x80200061)
#define BCJ2_E_READ_ONLY_PROPERTY_AFTER_RESUME           ((bcj2_status)0x80200062)
#define BCJ2_E_MAX_DOWNLOAD_SIZE_INVALID_VALUE           ((bcj2_status)0x80200063)
#define BCJ2_E_MAX_DOWNLOAD_SIZE_LIMIT_REACHED           ((bcj2_status)0x80200064)
#define BCJ2_E_STANDBY_MODE                              ((bcj2_status)0x80200065)
#define BCJ2_E_USE_STORED_CREDENTIALS_NOT_SUPPORTED      ((bcj2_status)0x80200066)
#define BCJ2_E_BLOCKED_BY_BATTERY_POLICY                 ((bcj2_status)0x80200067)
#define BCJ2_E_BLOCKED_BY_BATTERY_SAVER                  ((bcj2_status)0x80200068)
#define BCJ2_E_WATCHDOG_TIMEOUT                          ((bcj2_status)0x80200069)
#define BCJ2_E_APP_PACKAGE_NOT_FOUND                     ((bcj2_status)0x8020006A)
#define BCJ2_E_APP_PACKAGE_SCENARIO_NOT_SUPPORTED        ((bcj2_status)0x8020006B)
#define BCJ2_E_DATABASE_CORRUPT                          ((bcj2_status)0x8020006C)
#define BCJ2_E_RANDOM_ACCESS_NOT_SUPPORTED               ((bcj2_status)0x8020006D)
#define BCJ2_E_BLOCKED_BY_BACKGROUND_ACCESS_POLICY       ((bcj2_status)0x8020006E)
#define BCJ2_E_BLOCKED_BY_GAME_MODE                      ((bcj2_status)0x8020006F)
#define BCJ2_E_BLOCKED_BY_SYSTEM_POLICY                  ((bcj2_status)0x80200070)
#define BCJ2_E_NOT_SUPPORTED_WITH_CUSTOM_HTTP_METHOD     ((bcj2_status)0x80200071)
#define BCJ2_E_UNSUPPORTED_JOB_CONFIGURATION             ((bcj2_status)0x80200072)
#define BCJ2_E_REMOTE_FILE_CHANGED                       ((bcj2_status)0x80200073)
#define BCJ2_E_SERVER_CERT_VALIDATION_INTERFACE_REQUIRED ((bcj2_status)0x80200074)
#define BCJ2_E_READ_ONLY_WHEN_JOB_ACTIVE                 ((bcj2_status)0x80200075)
#define BCJ2_E_ERROR_CONTEXT_SERVER_CERTIFICATE_CALLBACK ((bcj2_status)0x80200076)
#define BCJ2_E_SERVER_EXECUTE_ENABLED                    BCJ2_E_SERVER_EXECUTE_ENABLE

/* HTTP status n as a job's error; the named ones are those that Windows names */
#define BCJ2_E_HTTP_ERROR(n)  ((bcj2_status)(0x80190000u + (uint32_t)(n)))
#define BCJ2_E_HTTP_ERROR_100 ((bcj2_status)0x80190064)
#define BCJ2_E_HTTP_ERROR_101 ((bcj2_status)0x80190065)
#define BCJ2_E_HTTP_ERROR_200 ((bcj2_status)0x801900C8)
#define BCJ2_E_HTTP_ERROR_201 ((bcj2_status)0x801900C9)
#define BCJ2_E_HTTP_ERROR_202 ((bcj2_status)0x801900CA)
#define BCJ2_E_HTTP_ERROR_203 ((bcj2_status)0x801900CB)
#define BCJ2_E_HTTP_ERROR_204 ((bcj2_status)0x801900CC)
#define BCJ2_E_HTTP_ERROR_205 ((bcj2_status)0x801900CD)
#define BCJ2_E_HTTP_ERROR_206 ((bcj2_status)0x801900CE)
#define BCJ2_E_HTTP_ERROR_300 ((bcj2_status)0x8019012C)
#define BCJ2_E_HTTP_ERROR_301 ((bcj2_status)0x8019012D)
#define BCJ2_E_HTTP_ERROR_302 ((bcj2_status)0x8019012E)
#define BCJ2_E_HTTP_ERROR_303 ((bcj2_status)0x8019012F)
#define BCJ2_E_HTTP_ERROR_304 ((bcj2_status)0x80190130)
#define BCJ2_E_HTTP_ERROR_305 ((bcj2_status)0x80190131)
#define BCJ2_E_HTTP_ERROR_307 ((bcj2_status)0x80190133)
#define BCJ2_E_HTTP_ERROR_400 ((bcj2_status)0x80190190)
#define BCJ2_E_HTTP_ERROR_401 ((bcj2_status)0x80190191)
#define BCJ2_E_HTTP_ERROR_402 ((bcj2_status)0x80190192)
#define BCJ2_E_HTTP_ERROR_403 ((bcj2_status)0x80190193)
#define BCJ2_E_HTTP_ERROR_404 ((bcj2_status)0x80190194)
#define BCJ2_E_HTTP_ERROR_405 ((bcj2_status)0x80190195)
#define BCJ2_E_HTTP_ERROR_406 ((bcj2_status)0x80190196)
#define BCJ2_E_HTTP_ERROR_407 ((bcj2_status)0x80190197)
#define BCJ2_E_HTTP_ERROR_408 ((bcj2_status)0x80190198)
#define BCJ2_E_HTTP_ERROR_409 ((bcj2_status)0x80190199)
#define BCJ2_E_HTTP_ERROR_410 ((bcj2_status)0x8019019A)
#define BCJ2_E_HTTP_ERROR_411 ((bcj2_status)0x8019019B)
#define BCJ2_E_HTTP_ERROR_412 ((bcj2_status)0x8019019C)
#define BCJ2_E_HTTP_ERROR_413 ((bcj2_status)0x8019019D)
#define BCJ2_E_HTTP_ERROR_414 ((bcj2_status)0x8019019E)
#define BCJ2_E_HTTP_ERROR_415 ((bcj2_status)0x8019019F)
#define BCJ2_E_HTTP_ERROR_416 ((bcj2_status)0x801901A0)
#define BCJ2_E_HTTP_ERROR_417 ((bcj2_status)0x801901A1)
#define BCJ2_E_HTTP_ERROR_449 ((bcj2_status)0x801901C1)
#define BCJ2_E_HTTP_ERROR_500 ((bcj2_status)0x801901F4)
#define BCJ2_E_HTTP_ERROR_501 ((bcj2_status)0x801901F5)
#define BCJ2_E_HTTP_ERROR_502 ((bcj2_status)0x801901F6)
#define BCJ2_E_HTTP_ERROR_503 ((bcj2_status)0x801901F7)
#define BCJ2_E_HTTP_ERROR_504 ((bcj2_status)0x801901F8)
#define BCJ2_E_HTTP_ERROR_505 ((bcj2_status)0x801901F9)

/* The Windows name of a status, such as "BG_E_TOO_LARGE", or "0x80190123" for one without a name.
   Never NULL; static or per-thread memory, valid until the thread's next call of this function.
   Any thread. (job-semantics 4.7, 4.8) */
BCJ2_API const char *bcj2_status_name(bcj2_status status);

/* One English sentence for a status. Never NULL; static memory. Any thread. */
BCJ2_API const char *bcj2_status_text(bcj2_status status);

/* This thread's last failed call in words: it names the thing and the limit. Not a test for
   success: a call that succeeds leaves it as it was. Never NULL ("" before the first failure);
   valid until the next failing call on this thread. Any thread. */
BCJ2_API const char *bcj2_last_detail(void);

/* The version of the library at run time, "MAJOR.MINOR.PATCH". Static memory. Any thread. */
BCJ2_API const char *bcj2_version(void);

/* Frees a string or buffer that the library returned; NULL is fine. Any thread. */
BCJ2_API void bcj2_free(void *memory);

BCJ2_END_DECLS

#endif
