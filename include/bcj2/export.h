/* SPDX-License-Identifier: MIT */
/* What every public header needs: the export mark and the C++ brackets. Nothing else belongs here.
 */
#ifndef BCJ2_EXPORT_H
#define BCJ2_EXPORT_H

#if defined(__GNUC__)
#define BCJ2_API __attribute__((visibility("default")))
#else
#define BCJ2_API
#endif

#ifdef __cplusplus
#define BCJ2_BEGIN_DECLS extern "C" {
#define BCJ2_END_DECLS   }
#else
#define BCJ2_BEGIN_DECLS
#define BCJ2_END_DECLS
#endif

#endif
