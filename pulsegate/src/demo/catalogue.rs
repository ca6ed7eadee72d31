//! Words.

use service::domain::ChannelType;

/// Titles of campaigns.
pub(super) const TITLES: [&str; 24] = [
    "새해 경품 이벤트",
    "설맞이 선물세트 추첨",
    "봄맞이 쿠폰 주간",
    "신메뉴 시식단 모집",
    "단골 고객 감사제",
    "개업 1주년 할인",
    "벚꽃 인증샷 이벤트",
    "우리동네 맛집 스탬프",
    "가정의 달 가족 사진전",
    "여름 빙수 반값 데이",
    "휴가철 텀블러 증정",
    "주말 브런치 1+1",
    "동네 서점 북토크",
    "헬스장 3개월 도전",
    "반려견 산책 챌린지",
    "추석 한우 경품 대잔치",
    "가을 운동회 응원전",
    "수능 응원 떡 나눔",
    "김장 나눔 축제",
    "첫눈 오는 날 커피 무료",
    "연말 포장 주문 할인",
    "크리스마스 케이크 예약전",
    "미용실 봄 펌 체험단",
    "꽃집 원데이 클래스",
];

/// A channel that demo campaigns use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Medium {
    pub(super) name: &'static str,
    pub(super) kind: ChannelType,
    /// How many people register through it, against the others.
    pub(super) weight: u32,
}

const fn medium(name: &'static str, kind: ChannelType, weight: u32) -> Medium {
    Medium { name, kind, weight }
}

pub(super) const TELEVISION: [Medium; 2] =
    [medium("우리동네TV", ChannelType::Tv, 30), medium("지니TV", ChannelType::Tv, 22)];
pub(super) const SOCIAL: [Medium; 3] = [
    medium("인스타그램", ChannelType::Sns, 45),
    medium("네이버블로그", ChannelType::Sns, 25),
    medium("카카오채널", ChannelType::Sns, 35),
];
pub(super) const CALLS: [Medium; 1] = [medium("링고비즈", ChannelType::Voice, 12)];
