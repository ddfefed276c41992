// Emoji by the names that Slack gives them: lines `# group` and `emoji name [aliases] | words to find it by`; a `*`
// after the emoji says that it comes in skin tones. Made by docs/emoji.py from @emoji-mart/data 1.2.1 (MIT), which has
// the names of emoji-data and the words of emojilib; not to be edited by hand.
export const LIST = `
# Smileys and people
😀 grinning | smile happy
😃 smiley | happy joy
😄 smile | happy joy
😁 grin | happy smile
😆 laughing satisfied | happy joy
😅 sweat_smile | hot happy
🤣 rolling_on_the_floor_laughing | face lol
😂 joy | cry weep
🙂 slightly_smiling_face | smile
🙃 upside_down_face | flipped silly
😉 wink | happy mischievous
😊 blush | smile happy
😇 innocent | angel heaven
🥰 smiling_face_with_3_hearts | love like
😍 heart_eyes | love like
🤩 star-struck | grinning face
😘 kissing_heart | love like
😗 kissing | love like
☺️ relaxed | blush massage
😚 kissing_closed_eyes | love like
😙 kissing_smiling_eyes | affection valentines
🥲 smiling_face_with_tear | sad cry
😋 yum | happy joy
😛 stuck_out_tongue | prank childish
😜 stuck_out_tongue_winking_eye | prank childish
🤪 zany_face | grinning with
😝 stuck_out_tongue_closed_eyes | prank playful
🤑 money_mouth_face | rich dollar
🤗 hugging_face | smile
🤭 face_with_hand_over_mouth | smiling eyes
🤫 shushing_face | with finger
🤔 thinking_face | hmmm consider
🤐 zipper_mouth_face | sealed secret
🤨 face_with_raised_eyebrow | one distrust
😐 neutral_face | indifference meh
😑 expressionless | indifferent meh
😶 no_mouth | hellokitty
😏 smirk | smile mean
😒 unamused | indifference bored
🙄 face_with_rolling_eyes | eyeroll frustrated
😬 grimacing | grimace teeth
🤥 lying_face | lie pinocchio
😌 relieved | relaxed phew
😔 pensive | sad depressed
😪 sleepy | tired rest
🤤 drooling_face
😴 sleeping | tired sleepy
😷 mask | sick ill
🤒 face_with_thermometer | sick temperature
🤕 face_with_head_bandage | injured clumsy
🤢 nauseated_face | vomit gross
🤮 face_vomiting | with open
🤧 sneezing_face | gesundheit sneeze
🥵 hot_face | feverish heat
🥶 cold_face | blue freezing
🥴 woozy_face | dizzy intoxicated
😵 dizzy_face | spent unconscious
🤯 exploding_head | shocked face
🤠 face_with_cowboy_hat | cowgirl
🥳 partying_face | celebration woohoo
🥸 disguised_face | pretent brows
😎 sunglasses | cool smile
🤓 nerd_face | nerdy geek
🧐 face_with_monocle | stuffy wealthy
😕 confused | indifference huh
😟 worried | concern nervous
🙁 slightly_frowning_face | disappointed sad
☹️ white_frowning_face | sad upset
😮 open_mouth | surprise impressed
😯 hushed | woo shh
😲 astonished | xox surprised
😳 flushed | blush shy
🥺 pleading_face | begging mercy
😦 frowning | aw what
😧 anguished | stunned nervous
😨 fearful | scared terrified
😰 cold_sweat | nervous
😥 disappointed_relieved | phew sweat
😢 cry | tears sad
😭 sob | cry tears
😱 scream | munch scared
😖 confounded | confused sick
😣 persevere | sick no
😞 disappointed | sad upset
😓 sweat | downcast hot
😩 weary | tired sleepy
😫 tired_face | sick whine
🥱 yawning_face | tired sleepy
😤 triumph | steam from
😡 rage | angry mad
😠 angry | mad annoyed
🤬 face_with_symbols_on_mouth | serious covering
😈 smiling_imp | devil
👿 imp | angry face
💀 skull | dead skeleton
☠️ skull_and_crossbones | poison danger
💩 hankey poop shit | shitface fail
🤡 clown_face
👹 japanese_ogre | monster red
👺 japanese_goblin | red evil
👻 ghost | halloween spooky
👽 alien | UFO paul
👾 space_invader | game arcade
👋* wave | hands gesture
🤚* raised_back_of_hand | fingers backhand
🖐️* raised_hand_with_fingers_splayed | palm
✋* hand raised_hand | fingers stop
🖖* spock-hand | fingers star
👌* ok_hand | fingers limbs
🤌* pinched_fingers | size tiny
🤏* pinching_hand | tiny small
✌️* v | fingers ohyeah
🤞* crossed_fingers | hand with
🤟* i_love_you_hand_sign | fingers
🤘* the_horns sign_of_the_horns | hand fingers
🤙* call_me_hand | hands gesture
👈* point_left | direction fingers
👉* point_right | fingers hand
👆* point_up_2 | fingers hand
🖕* middle_finger | reversed hand
👇* point_down | fingers hand
☝️* point_up | hand fingers
👍* +1 thumbsup | yes awesome
👎* -1 thumbsdown | no dislike
✊* fist | fingers hand
👊* facepunch punch | angry violence
🤛* left-facing_fist | hand fistbump
🤜* right-facing_fist | hand fistbump
👏* clap | praise applause
🙌* raised_hands | gesture hooray
👐* open_hands | fingers butterfly
🤲* palms_up_together | hands gesture
🤝* handshake | agreement
🙏* pray | please hope
✍️* writing_hand | lower left
💅* nail_care | beauty manicure
🤳* selfie | camera phone
💪* muscle | arm flex
🦾 mechanical_arm | accessibility
🦿 mechanical_leg | accessibility
🦵* leg | kick limb
🦶* foot | kick stomp
👂* ear | face hear
🦻* ear_with_hearing_aid | accessibility
👃* nose | smell sniff
🧠 brain | smart intelligent
🫀 anatomical_heart | health heartbeat
🫁 lungs | breathe
🦷 tooth | teeth dentist
🦴 bone | skeleton
👀 eyes | look watch
👁️ eye | face look
👅 tongue | mouth playful
👄 lips | kiss
👶* baby | child boy
🧒* child | gender neutral
👦* boy | man male
👧* girl | female woman
🧑* adult | person gender
👱* person_with_blond_hair | hairstyle
👨* man | mustache father
🧔* bearded_person | man bewhiskered
👩* woman | female girls
🧓* older_adult | person human
👴* older_man | human male
👵* older_woman | human female
🙍* person_frowning | worried
🙎* person_with_pouting_face | upset
🙅* no_good | decline
🙆* ok_woman | agree
💁* information_desk_person
🙋* raising_hand | question
🧏* deaf_person | accessibility
🙇* bow | respectiful
🤦* face_palm | person facepalming
🤷* shrug | person shrugging
👮* cop
🕵️* sleuth_or_spy | human
💂* guardsman | protect
🥷* ninja | ninjutsu skills
👷* construction_worker | labor build
🤴* prince | boy man
👸* princess | girl woman
👳* man_with_turban | person wearing
👲* man_with_gua_pi_mao | skullcap male
🧕* person_with_headscarf | female hijab
🤵* person_in_tuxedo | couple marriage
👰* bride_with_veil | couple marriage
🤰* pregnant_woman | baby
🤱* breast-feeding | nursing baby
👼* angel | heaven wings
🎅* santa | festival man
🤶* mrs_claus mother_christmas | woman female
🦸* superhero | marvel
🦹* supervillain | marvel
🧙* mage | magic
🧚* fairy | wings magical
🧛* vampire | blood twilight
🧜* merperson | sea
🧝* elf | magical
🧞 genie | magical wishes
🧟 zombie | dead
💆* massage | person getting
💇* haircut | person getting
🚶* walking | person move
🧍* standing_person | still
🧎* kneeling_person | pray respectful
🏃* runner running | person move
💃* dancer | woman dancing
🕺* man_dancing | male boy
🕴️* man_in_business_suit_levitating | levitate hover
👯 dancers | people perform
🧖* person_in_steamy_room | relax spa
🧗* person_climbing | sport
🤺 fencer | person fencing
🏇* horse_racing | animal betting
⛷️ skier | sports winter
🏂* snowboarder | sports winter
🏌️* golfer | sports business
🏄* surfer | person surfing
🚣* rowboat | person rowing
🏊* swimmer | person swimming
⛹️* person_with_ball | sports human
🏋️* weight_lifter | sports training
🚴* bicyclist | person biking
🚵* mountain_bicyclist | person biking
🤸* person_doing_cartwheel | sport gymnastic
🤼 wrestlers | people wrestling
🤽* water_polo | person playing
🤾* handball | person playing
🤹* juggling | person performance
🧘* person_in_lotus_position | meditate
🛀* bath | person taking
🛌* sleeping_accommodation | rest
👭* two_women_holding_hands women_holding_hands | pair friendship
👫* man_and_woman_holding_hands couple | pair people
👬* two_men_holding_hands men_holding_hands | pair couple
💏* couplekiss | pair valentines
💑* couple_with_heart | pair love
👪 family | home parents
🗣️ speaking_head_in_silhouette | user person
👤 bust_in_silhouette | user person
👥 busts_in_silhouette | user person
🫂 people_hugging | care
👣 footprints | feet tracking
🤖 robot_face | computer machine
😺 smiley_cat | animal cats
😸 smile_cat | animal cats
😹 joy_cat | animal cats
😻 heart_eyes_cat | animal love
😼 smirk_cat | animal cats
😽 kissing_cat | animal cats
🙀 scream_cat | animal cats
😿 crying_cat_face | animal tears
😾 pouting_cat | animal cats
🙈 see_no_evil | animal nature
🙉 hear_no_evil | animal nature
🙊 speak_no_evil | animal nature
💌 love_letter | email like
💘 cupid | love like
💝 gift_heart | love valentines
💖 sparkling_heart | love like
💗 heartpulse | like love
💓 heartbeat | love like
💞 revolving_hearts | love like
💕 two_hearts | love like
💟 heart_decoration | purple square
❣️ heavy_heart_exclamation_mark_ornament | decoration love
💔 broken_heart | sad sorry
❤️ heart | love like
🧡 orange_heart | love like
💛 yellow_heart | love like
💚 green_heart | love like
💙 blue_heart | love like
💜 purple_heart | love like
🤎 brown_heart | coffee
🖤 black_heart | evil
🤍 white_heart | pure
💋 kiss | face lips
💯 100 | score perfect
💢 anger | angry mad
💥 boom collision | bomb explode
💫 dizzy | star sparkle
💦 sweat_drops | water drip
💨 dash | dashing away
🕳️ hole | embarrassing
💬 speech_balloon | bubble words
🗨️ left_speech_bubble | words message
🗯️ right_anger_bubble | caption speech
💭 thought_balloon | bubble cloud
💤 zzz | sleepy tired
# Animals and nature
🐵 monkey_face | animal nature
🐒 monkey | animal nature
🦍 gorilla | animal nature
🦧 orangutan | animal
🐶 dog | animal friend
🐕 dog2 | animal nature
🦮 guide_dog | animal blind
🐩 poodle | dog animal
🐺 wolf | animal nature
🦊 fox_face | animal nature
🦝 raccoon | animal nature
🐱 cat | animal meow
🐈 cat2 | animal meow
🦁 lion_face | animal nature
🐯 tiger | animal cat
🐅 tiger2 | animal nature
🐴 horse | animal brown
🐎 racehorse | animal gamble
🦄 unicorn_face | animal nature
🦓 zebra_face | animal nature
🦌 deer | animal nature
🦬 bison | ox
🐮 cow | beef ox
🐂 ox | animal cow
🐃 water_buffalo | animal nature
🐄 cow2 | beef ox
🐷 pig | animal oink
🐖 pig2 | animal nature
🐗 boar | animal nature
🐽 pig_nose | animal oink
🐏 ram | animal sheep
🐑 sheep | animal nature
🐐 goat | animal nature
🐪 dromedary_camel | animal hot
🐫 camel | two hump
🦙 llama | animal nature
🦒 giraffe_face | animal nature
🐘 elephant | animal nature
🦣 mammoth | elephant tusks
🦏 rhinoceros | animal nature
🦛 hippopotamus | animal nature
🐭 mouse | animal nature
🐁 mouse2 | animal nature
🐀 rat | animal mouse
🐹 hamster | animal nature
🐰 rabbit | animal nature
🐇 rabbit2 | animal nature
🐿️ chipmunk | animal nature
🦫 beaver | animal rodent
🦔 hedgehog | animal nature
🦇 bat | animal nature
🐻 bear | animal nature
🐨 koala | animal nature
🐼 panda_face | animal nature
🦥 sloth | animal
🦦 otter | animal
🦨 skunk | animal
🦘 kangaroo | animal nature
🦡 badger | animal nature
🐾 feet paw_prints | animal tracking
🦃 turkey | animal bird
🐔 chicken | animal cluck
🐓 rooster | animal nature
🐣 hatching_chick | animal chicken
🐤 baby_chick | animal chicken
🐥 hatched_chick | front facing
🐦 bird | animal nature
🐧 penguin | animal nature
🕊️ dove_of_peace | animal bird
🦅 eagle | animal nature
🦆 duck | animal nature
🦢 swan | animal nature
🦉 owl | animal nature
🦤 dodo | animal bird
🪶 feather | bird fly
🦩 flamingo | animal
🦚 peacock | animal nature
🦜 parrot | animal nature
🐸 frog | animal nature
🐊 crocodile | animal nature
🐢 turtle | animal slow
🦎 lizard | animal nature
🐍 snake | animal evil
🐲 dragon_face | animal myth
🐉 dragon | animal myth
🦕 sauropod | animal nature
🦖 t-rex | animal nature
🐳 whale | animal nature
🐋 whale2 | animal nature
🐬 dolphin flipper | animal nature
🦭 seal | animal creature
🐟 fish | animal food
🐠 tropical_fish | animal swim
🐡 blowfish | animal nature
🦈 shark | animal nature
🐙 octopus | animal creature
🐚 shell | nature sea
🐌 snail | slow animal
🦋 butterfly | animal insect
🐛 bug | animal insect
🐜 ant | animal insect
🐝 bee honeybee | animal insect
🪲 beetle | insect
🐞 ladybug lady_beetle | animal insect
🦗 cricket | animal chirp
🪳 cockroach | insect pests
🕷️ spider | animal arachnid
🕸️ spider_web | animal insect
🦂 scorpion | animal arachnid
🦟 mosquito | animal nature
🪰 fly | insect
🪱 worm | animal
🦠 microbe | amoeba bacteria
💐 bouquet | flowers nature
🌸 cherry_blossom | nature plant
💮 white_flower | japanese spring
🏵️ rosette | flower decoration
🌹 rose | flowers valentines
🥀 wilted_flower | plant nature
🌺 hibiscus | plant vegetable
🌻 sunflower | nature plant
🌼 blossom | nature flowers
🌷 tulip | flowers plant
🌱 seedling | plant nature
🪴 potted_plant | greenery house
🌲 evergreen_tree | plant nature
🌳 deciduous_tree | plant nature
🌴 palm_tree | plant vegetable
🌵 cactus | vegetable plant
🌾 ear_of_rice | sheaf nature
🌿 herb | vegetable plant
☘️ shamrock | vegetable plant
🍀 four_leaf_clover | vegetable plant
🍁 maple_leaf | nature plant
🍂 fallen_leaf | nature plant
🍃 leaves | nature plant
🍄 mushroom | plant vegetable
# Food and drink
🍇 grapes | fruit food
🍈 melon | fruit nature
🍉 watermelon | fruit food
🍊 tangerine | food fruit
🍋 lemon | fruit nature
🍌 banana | fruit food
🍍 pineapple | fruit nature
🥭 mango | fruit food
🍎 apple | fruit mac
🍏 green_apple | fruit nature
🍐 pear | fruit nature
🍑 peach | fruit nature
🍒 cherries | food fruit
🍓 strawberry | fruit food
🫐 blueberries | fruit
🥝 kiwifruit | food
🍅 tomato | fruit vegetable
🫒 olive | fruit
🥥 coconut | fruit nature
🥑 avocado | fruit food
🍆 eggplant | vegetable nature
🥔 potato | food tuber
🥕 carrot | vegetable food
🌽 corn | food vegetable
🌶️ hot_pepper | food spicy
🫑 bell_pepper | fruit plant
🥒 cucumber | fruit food
🥬 leafy_green | food vegetable
🥦 broccoli | fruit food
🧄 garlic | food spice
🧅 onion | cook food
🥜 peanuts | food
🌰 chestnut | food squirrel
🍞 bread | food wheat
🥐 croissant | food bread
🥖 baguette_bread | food french
🫓 flatbread | flour food
🥨 pretzel | food bread
🥯 bagel | food bread
🥞 pancakes | food breakfast
🧇 waffle | food breakfast
🧀 cheese_wedge | food chadder
🍖 meat_on_bone | good food
🍗 poultry_leg | food meat
🥩 cut_of_meat | food cow
🥓 bacon | food breakfast
🍔 hamburger | meat fast
🍟 fries | chips snack
🍕 pizza | food party
🌭 hotdog | food frankfurter
🥪 sandwich | food lunch
🌮 taco | food mexican
🌯 burrito | food mexican
🫔 tamale | food masa
🥙 stuffed_flatbread | food gyro
🧆 falafel | food mediterranean
🥚 egg | food chicken
🍳 fried_egg cooking | food breakfast
🥘 shallow_pan_of_food | cooking casserole
🍲 stew | meat soup
🫕 fondue | cheese pot
🥣 bowl_with_spoon | food breakfast
🥗 green_salad | food healthy
🍿 popcorn | food movie
🧈 butter | food cook
🧂 salt | condiment shaker
🥫 canned_food | soup tomatoes
🍱 bento | food japanese
🍘 rice_cracker | food japanese
🍙 rice_ball | food japanese
🍚 rice | food asian
🍛 curry | food spicy
🍜 ramen | food japanese
🍝 spaghetti | food italian
🍠 sweet_potato | food nature
🍢 oden | food japanese
🍣 sushi | food fish
🍤 fried_shrimp | food animal
🍥 fish_cake | food japan
🥮 moon_cake | food autumn
🍡 dango | food dessert
🥟 dumpling | food empanada
🥠 fortune_cookie | food prophecy
🥡 takeout_box | food leftovers
🦀 crab | animal crustacean
🦞 lobster | animal nature
🦐 shrimp | animal ocean
🦑 squid | animal nature
🦪 oyster | food
🍦 icecream | food hot
🍧 shaved_ice | hot dessert
🍨 ice_cream | food hot
🍩 doughnut | food dessert
🍪 cookie | food snack
🎂 birthday | food dessert
🍰 cake | food dessert
🧁 cupcake | food dessert
🥧 pie | food dessert
🍫 chocolate_bar | food snack
🍬 candy | snack dessert
🍭 lollipop | food snack
🍮 custard | dessert food
🍯 honey_pot | bees sweet
🍼 baby_bottle | food container
🥛 glass_of_milk | beverage drink
☕ coffee | caffeine latte
🫖 teapot | drink hot
🍵 tea | drink bowl
🍶 sake | wine drink
🍾 champagne | drink wine
🍷 wine_glass | drink beverage
🍸 cocktail | drink drunk
🍹 tropical_drink | beverage cocktail
🍺 beer | relax beverage
🍻 beers | relax beverage
🥂 clinking_glasses | beverage drink
🥃 tumbler_glass | drink beverage
🥤 cup_with_straw | drink soda
🧋 bubble_tea | taiwan boba
🧃 beverage_box | drink
🧉 mate_drink | tea beverage
🧊 ice_cube | water cold
🥢 chopsticks | food
🍽️ knife_fork_plate | food eat
🍴 fork_and_knife | cutlery kitchen
🥄 spoon | cutlery kitchen
🔪 hocho knife | kitchen blade
🏺 amphora | vase jar
# Activities
🎃 jack_o_lantern | halloween light
🎄 christmas_tree | festival vacation
🎆 fireworks | photo festival
🎇 sparkler | stars night
🧨 firecracker | dynamite boom
✨ sparkles | stars shine
🎈 balloon | party celebration
🎉 tada | congratulations birthday
🎊 confetti_ball | festival party
🎋 tanabata_tree | plant nature
🎍 bamboo | japanese plant
🎎 dolls | toy kimono
🎏 flags | fish japanese
🎐 wind_chime | nature ding
🎑 rice_scene | photo japan
🧧 red_envelope | gift
🎀 ribbon | decoration pink
🎁 gift | present birthday
🎗️ reminder_ribbon | sports cause
🎟️ admission_tickets | sports concert
🎫 ticket | event concert
🎖️ medal | award winning
🏆 trophy | win award
🏅 sports_medal | award winning
🥇 first_place_medal | award winning
🥈 second_place_medal | award
🥉 third_place_medal | award
⚽ soccer | sports football
⚾ baseball | sports balls
🥎 softball | sports balls
🏀 basketball | sports balls
🏐 volleyball | sports balls
🏈 football | sports balls
🏉 rugby_football | sports team
🎾 tennis | sports balls
🥏 flying_disc | sports frisbee
🎳 bowling | sports fun
🏏 cricket_bat_and_ball | sports
🏑 field_hockey_stick_and_ball | sports
🏒 ice_hockey_stick_and_puck | sports
🥍 lacrosse | sports ball
🏓 table_tennis_paddle_and_ball | sports pingpong
🏸 badminton_racquet_and_shuttlecock | sports
🥊 boxing_glove | sports fighting
🥋 martial_arts_uniform | judo karate
🥅 goal_net | sports
⛳ golf | sports business
⛸️ ice_skate | sports
🎣 fishing_pole_and_fish | food hobby
🤿 diving_mask | sport ocean
🎽 running_shirt_with_sash | play pageant
🎿 ski | sports winter
🛷 sled | sleigh luge
🥌 curling_stone | sports
🎯 dart | direct hit
🪀 yo-yo | toy
🪁 kite | wind fly
🔫 gun | violence weapon
🎱 8ball | pool hobby
🔮 crystal_ball | disco party
🪄 magic_wand | supernature power
🎮 video_game | play console
🕹️ joystick | game play
🎰 slot_machine | bet gamble
🎲 game_die | dice random
🧩 jigsaw | interlocking
🧸 teddy_bear | plush stuffed
🪅 pinata | mexico candy
🪆 nesting_dolls | matryoshka toy
♠️ spades | poker cards
♥️ hearts | poker cards
♦️ diamonds | poker cards
♣️ clubs | poker cards
♟️ chess_pawn | expendable
🃏 black_joker | poker cards
🎭 performing_arts | acting theater
🖼️ frame_with_picture | photography
🎨 art | design paint
🧵 thread | needle sewing
🪡 sewing_needle | stitches
🧶 yarn | ball crochet
🪢 knot | rope scout
# Travel and places
🌍 earth_africa | showing europe
🌎 earth_americas | showing world
🌏 earth_asia | showing australia
🌐 globe_with_meridians | earth international
🗺️ world_map | location direction
🗾 japan | nation country
🧭 compass | magnetic navigation
🏔️ snow_capped_mountain | photo nature
⛰️ mountain | photo nature
🌋 volcano | photo nature
🗻 mount_fuji | photo mountain
🏕️ camping | photo outdoors
🏖️ beach_with_umbrella | weather summer
🏜️ desert | photo warm
🏝️ desert_island | photo tropical
🏞️ national_park | photo environment
🏟️ stadium | photo place
🏛️ classical_building | art culture
🏗️ building_construction | wip working
🧱 bricks
🪨 rock | stone
🪵 wood | nature timber
🛖 hut | house structure
🏘️ house_buildings | photo
🏚️ derelict_house_building | abandon evict
🏠 house | building home
🏡 house_with_garden | home plant
🏢 office | bureau work
🏣 post_office | building envelope
🏤 european_post_office | building email
🏥 hospital | building health
🏦 bank | building money
🏨 hotel | building accomodation
🏩 love_hotel | like affection
🏪 convenience_store | building shopping
🏫 school | building student
🏬 department_store | building shopping
🏭 factory | building industry
🏯 japanese_castle | photo building
🏰 european_castle | building royalty
💒 wedding | love like
🗼 tokyo_tower | photo japanese
🗽 statue_of_liberty | american newyork
⛪ church | building religion
🕌 mosque | islam worship
🛕 hindu_temple | religion
🕍 synagogue | judaism worship
⛩️ shinto_shrine | temple japan
🕋 kaaba | mecca mosque
⛲ fountain | photo summer
⛺ tent | photo camping
🌁 foggy | photo mountain
🌃 night_with_stars | evening city
🏙️ cityscape | photo night
🌄 sunrise_over_mountains | view vacation
🌅 sunrise | morning view
🌆 city_sunset | photo evening
🌇 city_sunrise | photo good
🌉 bridge_at_night | photo sanfrancisco
♨️ hotsprings | bath warm
🎠 carousel_horse | photo carnival
🎡 ferris_wheel | photo carnival
🎢 roller_coaster | carnival playground
💈 barber | hair salon
🎪 circus_tent | festival carnival
🚂 steam_locomotive | transportation vehicle
🚃 railway_car | transportation vehicle
🚄 bullettrain_side | high speed
🚅 bullettrain_front | transportation vehicle
🚆 train2 | transportation vehicle
🚇 metro | transportation blue
🚈 light_rail | transportation vehicle
🚉 station | transportation vehicle
🚊 tram | transportation vehicle
🚝 monorail | transportation vehicle
🚞 mountain_railway | transportation vehicle
🚋 train | transportation vehicle
🚌 bus | car vehicle
🚍 oncoming_bus | vehicle transportation
🚎 trolleybus | bart transportation
🚐 minibus | vehicle car
🚑 ambulance | health 911
🚒 fire_engine | transportation cars
🚓 police_car | vehicle cars
🚔 oncoming_police_car | vehicle law
🚕 taxi | uber vehicle
🚖 oncoming_taxi | vehicle cars
🚗 car red_car | transportation vehicle
🚘 oncoming_automobile | car vehicle
🚙 blue_car | sport utility
🛻 pickup_truck | car transportation
🚚 truck | cars transportation
🚛 articulated_lorry | vehicle cars
🚜 tractor | vehicle car
🏎️ racing_car | sports race
🏍️ racing_motorcycle | race sports
🛵 motor_scooter | vehicle vespa
🦽 manual_wheelchair | accessibility
🦼 motorized_wheelchair | accessibility
🛺 auto_rickshaw | move transportation
🚲 bike | sports exercise
🛴 scooter | kick vehicle
🛹 skateboard
🛼 roller_skate | footwear sports
🚏 busstop | transportation wait
🛣️ motorway | road cupertino
🛤️ railway_track | train transportation
🛢️ oil_drum | barrell
⛽ fuelpump | gas station
🚨 rotating_light | ambulance 911
🚥 traffic_light | transportation signal
🚦 vertical_traffic_light | transportation driving
🛑 octagonal_sign
🚧 construction | wip progress
⚓ anchor | ship ferry
⛵ boat sailboat | ship summer
🛶 canoe | boat paddle
🚤 speedboat | ship transportation
🛳️ passenger_ship | yacht cruise
⛴️ ferry | boat ship
🛥️ motor_boat | ship
🚢 ship | transportation titanic
✈️ airplane | vehicle transportation
🛩️ small_airplane | flight transportation
🛫 airplane_departure | airport flight
🛬 airplane_arriving | airport flight
🪂 parachute | fly glide
💺 seat | sit airplane
🚁 helicopter | transportation vehicle
🚟 suspension_railway | vehicle transportation
🚠 mountain_cableway | transportation vehicle
🚡 aerial_tramway | transportation vehicle
🛰️ satellite | communication gps
🚀 rocket | launch ship
🛸 flying_saucer | transportation vehicle
🛎️ bellhop_bell | service
🧳 luggage | packing travel
⌛ hourglass | done time
⏳ hourglass_flowing_sand | oldschool time
⌚ watch | time accessories
⏰ alarm_clock | time wake
⏱️ stopwatch | time deadline
⏲️ timer_clock | alarm
🕰️ mantelpiece_clock | time
🌑 new_moon | nature twilight
🌒 waxing_crescent_moon | nature twilight
🌓 first_quarter_moon | nature twilight
🌔 moon waxing_gibbous_moon | nature night
🌕 full_moon | nature yellow
🌖 waning_gibbous_moon | nature twilight
🌗 last_quarter_moon | nature twilight
🌘 waning_crescent_moon | nature twilight
🌙 crescent_moon | night sleep
🌚 new_moon_with_face | nature twilight
🌛 first_quarter_moon_with_face | nature twilight
🌜 last_quarter_moon_with_face | nature twilight
🌡️ thermometer | weather temperature
☀️ sunny | weather nature
🌝 full_moon_with_face | nature twilight
🌞 sun_with_face | nature morning
🪐 ringed_planet | outerspace
⭐ star | night yellow
🌟 star2 | night sparkle
🌠 stars | night photo
🌌 milky_way | photo space
☁️ cloud | weather sky
⛅ partly_sunny | weather nature
⛈️ thunder_cloud_and_rain | weather
🌤️ mostly_sunny sun_small_cloud | weather
🌥️ barely_sunny sun_behind_cloud | weather
🌦️ partly_sunny_rain | weather
🌧️ rain_cloud | weather
🌨️ snow_cloud | weather
🌩️ lightning lightning_cloud | weather thunder
🌪️ tornado tornado_cloud | weather cyclone
🌫️ fog | weather
🌬️ wind_blowing_face | gust air
🌀 cyclone | weather swirl
🌈 rainbow | nature happy
🌂 closed_umbrella | weather rain
☂️ umbrella | weather spring
☔ umbrella_with_rain_drops | rainy weather
⛱️ umbrella_on_ground | weather summer
⚡ zap | thunder weather
❄️ snowflake | winter season
☃️ snowman | winter season
⛄ snowman_without_snow | winter season
☄️ comet | space
🔥 fire | hot cook
💧 droplet | water drip
🌊 ocean | sea nature
# Objects
👓 eyeglasses | fashion accessories
🕶️ dark_sunglasses | face cool
🥽 goggles | eyes protection
🥼 lab_coat | doctor experiment
🦺 safety_vest | protection
👔 necktie | shirt suitup
👕 shirt tshirt | fashion cloth
👖 jeans | fashion shopping
🧣 scarf | neck winter
🧤 gloves | hands winter
🧥 coat | jacket
🧦 socks | stockings clothes
👗 dress | clothes fashion
👘 kimono | dress fashion
🥻 sari | dress
🩱 one-piece_swimsuit | fashion
🩲 briefs | clothing
🩳 shorts | clothing
👙 bikini | swimming female
👚 womans_clothes | fashion shopping
👛 purse | fashion accessories
👜 handbag | fashion accessory
👝 pouch | clutch bag
🛍️ shopping_bags | mall buy
🎒 school_satchel | student education
🩴 thong_sandal | footwear summer
👞 mans_shoe shoe | fashion male
👟 athletic_shoe | shoes sports
🥾 hiking_boot | backpacking camping
🥿 womans_flat_shoe | ballet slip
👠 high_heel | heeled fashion
👡 sandal | woman shoes
🩰 ballet_shoes | dance
👢 boot | woman s
👑 crown | king kod
👒 womans_hat | fashion accessories
🎩 tophat | magic gentleman
🎓 mortar_board | school college
🧢 billed_cap | baseball
🪖 military_helmet | army protection
⛑️ helmet_with_white_cross | worker construction
📿 prayer_beads | dhikr religious
💄 lipstick | female girl
💍 ring | wedding propose
💎 gem | blue ruby
🔇 mute | sound volume
🔈 speaker | low volume
🔉 sound | broadcast
🔊 loud_sound | noise noisy
📢 loudspeaker | volume sound
📣 mega | sound speaker
📯 postal_horn | instrument music
🔔 bell | sound notification
🔕 no_bell | sound volume
🎼 musical_score | treble clef
🎵 musical_note | score tone
🎶 notes | music score
🎙️ studio_microphone | sing recording
🎚️ level_slider | scale
🎛️ control_knobs | dial
🎤 microphone | sound music
🎧 headphones | music score
📻 radio | communication music
🎷 saxophone | music instrument
🪗 accordion | music
🎸 guitar | music instrument
🎹 musical_keyboard | piano instrument
🎺 trumpet | music brass
🎻 violin | music instrument
🪕 banjo | music instructment
🥁 drum_with_drumsticks | music instrument
🪘 long_drum | music
📱 iphone | technology apple
📲 calling | iphone incoming
☎️ phone telephone | technology communication
📞 telephone_receiver | technology communication
📟 pager | bbcall oldschool
📠 fax | communication technology
🔋 battery | power energy
🔌 electric_plug | charger power
💻 computer | technology screen
🖥️ desktop_computer | technology computing
🖨️ printer | paper ink
⌨️ keyboard | technology computer
🖱️ three_button_mouse | click
🖲️ trackball | technology trackpad
💽 minidisc | computer disk
💾 floppy_disk | oldschool technology
💿 cd | disk technology
📀 dvd | cd disk
🧮 abacus | calculation
🎥 movie_camera | film record
🎞️ film_frames | movie
📽️ film_projector | video tape
🎬 clapper | movie film
📺 tv | technology program
📷 camera | gadgets photography
📸 camera_with_flash | photography gadgets
📹 video_camera | film record
📼 vhs | record video
🔍 mag | search zoom
🔎 mag_right | search zoom
🕯️ candle | fire wax
💡 bulb | electricity idea
🔦 flashlight | dark camping
🏮 izakaya_lantern lantern | red paper
🪔 diya_lamp | lighting
📔 notebook_with_decorative_cover | classroom notes
📕 closed_book | read library
📖 book open_book | read library
📗 green_book | read library
📘 blue_book | read library
📙 orange_book | read library
📚 books | literature library
📓 notebook | stationery record
📒 ledger | notes paper
📃 page_with_curl | documents office
📜 scroll | documents ancient
📄 page_facing_up | documents office
📰 newspaper | press headline
🗞️ rolled_up_newspaper | press headline
📑 bookmark_tabs | favorite save
🔖 bookmark | favorite label
🏷️ label | sale tag
💰 moneybag | dollar payment
🪙 coin | money currency
💴 yen | money sales
💵 dollar | money sales
💶 euro | money sales
💷 pound | british sterling
💸 money_with_wings | dollar bills
💳 credit_card | money sales
🧾 receipt | accounting expenses
💹 chart | green square
✉️ email envelope | letter postal
📧 e-mail | communication inbox
📨 incoming_envelope | email inbox
📩 envelope_with_arrow | email communication
📤 outbox_tray | inbox email
📥 inbox_tray | email documents
📦 package | mail gift
📫 mailbox | email inbox
📪 mailbox_closed | email communication
📬 mailbox_with_mail | email inbox
📭 mailbox_with_no_mail | email inbox
📮 postbox | email letter
🗳️ ballot_box_with_ballot | election vote
✏️ pencil2 | stationery write
✒️ black_nib | pen stationery
🖋️ lower_left_fountain_pen | stationery writing
🖊️ lower_left_ballpoint_pen | stationery writing
🖌️ lower_left_paintbrush | drawing creativity
🖍️ lower_left_crayon | drawing creativity
📝 memo pencil | write documents
💼 briefcase | business documents
📁 file_folder | documents business
📂 open_file_folder | documents load
🗂️ card_index_dividers | organizing business
📅 date | schedule
📆 calendar | tear off
🗒️ spiral_note_pad | memo stationery
🗓️ spiral_calendar_pad | date schedule
📇 card_index | business stationery
📈 chart_with_upwards_trend | graph presentation
📉 chart_with_downwards_trend | graph presentation
📊 bar_chart | graph presentation
📋 clipboard | stationery documents
📌 pushpin | stationery mark
📍 round_pushpin | stationery location
📎 paperclip | documents stationery
🖇️ linked_paperclips | documents stationery
📏 straight_ruler | stationery calculate
📐 triangular_ruler | stationery math
✂️ scissors | stationery cut
🗃️ card_file_box | business stationery
🗄️ file_cabinet | filing organizing
🗑️ wastebasket | bin trash
🔒 lock | locked security
🔓 unlock | privacy security
🔏 lock_with_ink_pen | security secret
🔐 closed_lock_with_key | security privacy
🔑 key | lock door
🗝️ old_key | lock door
🔨 hammer | tools build
🪓 axe | tool chop
⛏️ pick | tools dig
⚒️ hammer_and_pick | tools build
🛠️ hammer_and_wrench | tools build
🗡️ dagger_knife | weapon
⚔️ crossed_swords | weapon
💣 bomb | boom explode
🪃 boomerang | weapon
🏹 bow_and_arrow | sports
🛡️ shield | protection security
🪚 carpentry_saw | cut chop
🔧 wrench | tools diy
🪛 screwdriver | tools
🔩 nut_and_bolt | handy tools
⚙️ gear | cog
🗜️ compression | tool
⚖️ scales | law fairness
🦯 probing_cane | accessibility
🔗 link | rings url
⛓️ chains | lock arrest
🪝 hook | tools
🧰 toolbox | tools diy
🧲 magnet | attraction magnetic
🪜 ladder | tools
⚗️ alembic | distilling science
🧪 test_tube | chemistry experiment
🧫 petri_dish | bacteria biology
🧬 dna | biologist genetics
🔬 microscope | laboratory experiment
🔭 telescope | stars space
📡 satellite_antenna | communication future
💉 syringe | health hospital
🩸 drop_of_blood | period hurt
💊 pill | health medicine
🩹 adhesive_bandage | heal
🩺 stethoscope | health
🚪 door | house entry
🛗 elevator | lift
🪞 mirror | reflection
🪟 window | scenery
🛏️ bed | sleep rest
🛋️ couch_and_lamp | read chill
🪑 chair | sit furniture
🚽 toilet | restroom wc
🪠 plunger | toilet
🚿 shower | clean water
🛁 bathtub | clean shower
🪤 mouse_trap | cheese
🪒 razor | cut
🧴 lotion_bottle | moisturizer sunscreen
🧷 safety_pin | diaper
🧹 broom | cleaning sweeping
🧺 basket | laundry
🧻 roll_of_paper
🪣 bucket | water container
🧼 soap | bar bathing
🪥 toothbrush | hygiene dental
🧽 sponge | absorbing cleaning
🧯 fire_extinguisher | quench
🛒 shopping_trolley
🚬 smoking | kills tobacco
⚰️ coffin | vampire dead
🪦 headstone | death rip
⚱️ funeral_urn | dead die
🧿 nazar_amulet | bead charm
🗿 moyai | rock easter
🪧 placard | announcement
# Symbols
🏧 atm | money sales
🚮 put_litter_in_its_place | blue square
🚰 potable_water | blue square
♿ wheelchair | blue square
🚹 mens | toilet restroom
🚺 womens | purple square
🚻 restroom | blue square
🚼 baby_symbol | orange square
🚾 wc | toilet restroom
🛂 passport_control | custom blue
🛃 customs | passport border
🛄 baggage_claim | blue square
🛅 left_luggage | blue square
⚠️ warning | exclamation wip
🚸 children_crossing | school warning
⛔ no_entry | limit security
🚫 no_entry_sign | forbid stop
🚳 no_bicycles | cyclist prohibited
🚭 no_smoking | cigarette blue
🚯 do_not_litter | trash bin
🚱 non-potable_water | drink faucet
🚷 no_pedestrians | rules crossing
📵 no_mobile_phones | iphone mute
🔞 underage | 18 drink
☢️ radioactive_sign | nuclear danger
☣️ biohazard_sign | danger
⬆️ arrow_up | blue square
↗️ arrow_upper_right | blue square
➡️ arrow_right | blue square
↘️ arrow_lower_right | down blue
⬇️ arrow_down | blue square
↙️ arrow_lower_left | down blue
⬅️ arrow_left | blue square
↖️ arrow_upper_left | blue square
↕️ arrow_up_down | blue square
↔️ left_right_arrow | shape direction
↩️ leftwards_arrow_with_hook | back return
↪️ arrow_right_hook | blue square
⤴️ arrow_heading_up | blue square
⤵️ arrow_heading_down | blue square
🔃 arrows_clockwise | sync cycle
🔄 arrows_counterclockwise | blue square
🔙 back | words return
🔚 end | words
🔛 on | words
🔜 soon | words
🔝 top | words blue
🛐 place_of_worship | religion church
⚛️ atom_symbol | science physics
🕉️ om_symbol | hinduism buddhism
✡️ star_of_david | judaism
☸️ wheel_of_dharma | hinduism buddhism
☯️ yin_yang | balance
✝️ latin_cross | christianity
☦️ orthodox_cross | suppedaneum religion
☪️ star_and_crescent | islam
☮️ peace_symbol | hippie
🕎 menorah_with_nine_branches | hanukkah candles
🔯 six_pointed_star | purple square
🔀 twisted_rightwards_arrows | blue square
🔁 repeat | loop record
🔂 repeat_one | blue square
▶️ arrow_forward | blue square
⏩ fast_forward | blue square
⏭️ black_right_pointing_double_triangle_with_vertical_bar | forward blue
⏯️ black_right_pointing_triangle_with_double_vertical_bar | blue square
◀️ arrow_backward | blue square
⏪ rewind | play blue
⏮️ black_left_pointing_double_triangle_with_vertical_bar | backward
🔼 arrow_up_small | blue square
⏫ arrow_double_up | blue square
🔽 arrow_down_small | blue square
⏬ arrow_double_down | blue square
⏸️ double_vertical_bar | blue square
⏹️ black_square_for_stop | blue
⏺️ black_circle_for_record | blue square
⏏️ eject | blue square
🎦 cinema | blue square
🔅 low_brightness | sun afternoon
🔆 high_brightness | sun light
📶 signal_strength | blue square
📳 vibration_mode | orange square
📴 mobile_phone_off | mute orange
♀️ female_sign | woman women
♂️ male_sign | man boy
⚧️ transgender_symbol | lgbtq
✖️ heavy_multiplication_x | sign math
➕ heavy_plus_sign | math calculation
➖ heavy_minus_sign | math calculation
➗ heavy_division_sign | math calculation
♾️ infinity | forever
‼️ bangbang | surprise
⁉️ interrobang | wat punctuation
❓ question | doubt confused
❔ grey_question | doubts gray
❕ grey_exclamation | surprise punctuation
❗ exclamation | heavy danger
〰️ wavy_dash | draw line
💱 currency_exchange | money sales
💲 heavy_dollar_sign | money sales
⚕️ medical_symbol staff_of_aesculapius | health hospital
♻️ recycle | arrow environment
⚜️ fleur_de_lis | decorative scout
🔱 trident | weapon spear
📛 name_badge | fire forbid
🔰 beginner | badge shield
⭕ o | round
✅ white_check_mark | green square
☑️ ballot_box_with_check | ok agree
✔️ heavy_check_mark | ok nike
❌ x | no delete
❎ negative_squared_cross_mark | x green
➰ curly_loop | scribble draw
➿ loop | tape cassette
〽️ part_alternation_mark | graph presentation
✳️ eight_spoked_asterisk | star sparkle
✴️ eight_pointed_black_star | orange square
❇️ sparkle | stars green
©️ copyright | ip license
®️ registered | alphabet circle
™️ tm | trademark brand
#️⃣ hash | keycap symbol
*️⃣ keycap_star
0️⃣ zero | numbers blue
1️⃣ one | blue square
2️⃣ two | numbers prime
3️⃣ three | numbers prime
4️⃣ four | numbers blue
5️⃣ five | numbers blue
6️⃣ six | numbers blue
7️⃣ seven | numbers blue
8️⃣ eight | blue square
9️⃣ nine | blue square
🔟 keycap_ten | numbers blue
🔠 capital_abcd | alphabet words
🔡 abcd | blue square
🔢 1234 | blue square
🔣 symbols | blue square
🔤 abc | blue square
🅰️ a | red square
🆎 ab | button red
🅱️ b | red square
🆑 cl | alphabet words
🆒 cool | words blue
🆓 free | blue square
ℹ️ information_source | blue square
🆔 id | purple square
Ⓜ️ m | alphabet blue
🆕 new | blue square
🆖 ng | blue square
🅾️ o2 | alphabet red
🆗 ok | good agree
🅿️ parking | cars blue
🆘 sos | help red
🆙 up | blue square
🆚 vs | words orange
🔴 red_circle | shape error
🟠 large_orange_circle | round
🟡 large_yellow_circle | round
🟢 large_green_circle | round
🔵 large_blue_circle | shape icon
🟣 large_purple_circle | round
🟤 large_brown_circle | round
⚫ black_circle | shape button
⚪ white_circle | shape round
🟥 large_red_square
🟧 large_orange_square
🟨 large_yellow_square
🟩 large_green_square
🟦 large_blue_square
🟪 large_purple_square
🟫 large_brown_square
⬛ black_large_square | shape icon
⬜ white_large_square | shape icon
◼️ black_medium_square | shape button
◻️ white_medium_square | shape stone
◾ black_medium_small_square | icon shape
◽ white_medium_small_square | shape stone
▪️ black_small_square | shape icon
▫️ white_small_square | shape icon
🔶 large_orange_diamond | shape jewel
🔷 large_blue_diamond | shape jewel
🔸 small_orange_diamond | shape jewel
🔹 small_blue_diamond | shape jewel
🔺 small_red_triangle | shape direction
🔻 small_red_triangle_down | shape direction
💠 diamond_shape_with_a_dot_inside | jewel blue
🔘 radio_button | input old
🔳 white_square_button | shape input
🔲 black_square_button | shape input
`;
