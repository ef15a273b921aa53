"""How common names are: the most common ones of the 1990 census of the United States, each with its
share in thousandths of a percent. The data are public domain, and taken from the files that the
package ``names`` ships.

A longer list is not needed: the others are made up, with shares that go on as the census's do.
"""

MALE = """
james 3318 john 3271 robert 3143 michael 2629 william 2451 david 2363 richard 1703 charles 1523
joseph 1404 thomas 1380 christopher 1035 daniel 974 paul 948 mark 938 donald 931 george 927
kenneth 826 steven 780 edward 779 brian 736 ronald 725 anthony 721 kevin 671 jason 660 matthew
657 gary 650 timothy 640 jose 613 larry 598 jeffrey 591 frank 581 scott 546 eric 544 stephen
540 andrew 537 raymond 488 gregory 441 joshua 435 jerry 432 dennis 415 walter 399 patrick 389
peter 381 harold 371 douglas 367 henry 365 carl 346 arthur 335 ryan 328 roger 322 joe 321 juan
316 jack 315 albert 314 jonathan 313 justin 311 terry 311 gerald 309 keith 308 samuel 306
willie 302 ralph 282 lawrence 282 nicholas 275 roy 273 benjamin 270 bruce 263 brandon 260 adam
259 harry 251 fred 251 wayne 249 billy 248 steve 246 louis 243 jeremy 242 aaron 240 randy 232
howard 230 eugene 230 carlos 229 russell 224 bobby 223 victor 222 martin 216 ernest 215 phillip
213 todd 213 jesse 209 craig 206 alan 204 shawn 200 clarence 197 sean 197 philip 197 chris 197
johnny 195 earl 193 jimmy 191 antonio 190
"""
FEMALE = """
mary 2629 patricia 1073 linda 1035 barbara 980 elizabeth 937 jennifer 932 maria 828 susan 794
margaret 768 dorothy 727 lisa 704 nancy 669 karen 667 betty 666 helen 663 sandra 629 donna 583
carol 565 ruth 562 sharon 522 michelle 519 laura 510 sarah 508 kimberly 504 deborah 494 jessica
490 shirley 482 cynthia 469 angela 468 melissa 462 brenda 455 amy 451 anna 440 rebecca 430
virginia 430 kathleen 424 pamela 416 martha 412 debra 408 amanda 404 stephanie 400 carolyn 385
christine 382 marie 379 janet 379 catherine 373 frances 370 ann 364 joyce 364 diane 359 alice
357 julie 348 heather 337 teresa 336 doris 335 gloria 335 evelyn 322 jean 315 cheryl 315
mildred 313 katherine 313 joan 306 ashley 303 judith 297 rose 296 janice 285 kelly 283 nicole
281 judy 276 christina 275 kathy 272 theresa 271 beverly 267 denise 264 tammy 259 irene 252
jane 250 lori 248 rachel 242 marilyn 241 andrea 236 kathryn 234 louise 229 sara 229 anne 228
jacqueline 228 wanda 226 bonnie 223 julia 223 ruby 221 lois 220 tina 220 phyllis 219 norma 218
paula 217 diana 216 annie 216 lillian 211 emily 208 robin 208
"""
LAST = """
smith 1006 johnson 810 williams 699 jones 621 brown 621 davis 480 miller 424 wilson 339 moore
312 taylor 311 anderson 311 thomas 311 jackson 310 white 279 harris 275 martin 273 thompson 269
garcia 254 martinez 234 robinson 233 clark 231 rodriguez 229 lewis 226 lee 220 walker 219 hall
200 allen 199 young 193 hernandez 192 king 190 wright 189 lopez 187 hill 187 scott 185 green
183 adams 174 baker 171 gonzalez 166 nelson 162 carter 162 mitchell 160 perez 155 roberts 153
turner 152 phillips 149 campbell 149 parker 146 evans 141 edwards 137 collins 134 stewart 133
sanchez 130 morris 125 rogers 123 reed 122 cook 120 morgan 118 bell 117 murphy 117 bailey 115
rivera 113 cooper 113 richardson 112 cox 110 howard 110 ward 108 torres 108 peterson 107 gray
106 ramirez 105 james 105 watson 103 brooks 103 kelly 102 sanders 100 price 99 bennett 99 wood
98 barnes 97 ross 96 henderson 95 coleman 95 jenkins 95 perry 94 powell 93 long 92 patterson 92
hughes 92 flores 92 washington 92 butler 91 simmons 91 foster 91 gonzales 87 bryant 87
alexander 85 russell 85 griffin 84 diaz 84 hayes 83 myers 83 ford 82 hamilton 82 graham 82
sullivan 81 wallace 81 woods 80 cole 80 west 80 jordan 78 owens 78 reynolds 78 fisher 77 ellis
77 harrison 76 gibson 75 mcdonald 75 cruz 75 marshall 75 ortiz 75 gomez 75 murray 74 freeman 74
wells 73 webb 72 simpson 70 stevens 70 tucker 70 porter 69 hunter 69 hicks 69 crawford 68 henry
68 boyd 68 mason 68 morales 67 kennedy 67 warren 67 dixon 66 ramos 66 reyes 66 burns 65 gordon
65 shaw 65 holmes 65 rice 64 robertson 64 hunt 63 black 63 daniels 62 palmer 62 mills 61
nichols 60 grant 60 knight 60 ferguson 59 rose 59 stone 59 hawkins 59 dunn 58 perkins 58 hudson
58 spencer 57 gardner 57 stephens 57 payne 57 pierce 56 berry 56 matthews 56 arnold 56 wagner
55 willis 55 ray 55 watkins 55 olson 55 carroll 55 duncan 55 snyder 55 hart 54 cunningham 54
bradley 54 lane 54 andrews 54 ruiz 54 harper 54 fox 53 riley 53 armstrong 53 carpenter 53
weaver 53 greene 53 lawrence 52 elliott 52 chavez 52 sims 52 austin 52 peters 52 kelley 52
franklin 51 lawson 51
"""
